/** What the entries of a directory say of the objects that they refer to. SPEC "Directories". */

import { readItemOf } from '../../collection/read-item.js'
import type { Ref } from '../../hash/ref.js'
import { Leaf, type Node } from '../../sequence/node.js'
import type { Entry, EntryName } from '../../tree/entry.js'
import { entryReader, isTopItem, topReader } from '../../tree/entry-item.js'

/** What an object has to be that an entry refers to: a blob of so many bytes, a directory, a list. */
export interface Said {
  readonly kind: 'blob' | 'dir' | 'list'
  /** Of a blob. */
  readonly size?: number
}

/** An object that an entry refers to. */
export interface Content {
  readonly ref: Ref
  readonly name: EntryName
  readonly said: Said
}

/** The objects that the entries in `leaf`, of the directory `ref`, refer to. Throws NOMSY_INVALID_NODE for what is none. */
export function contentsOf(ref: Ref, leaf: Leaf): Content[] {
  const contents: Content[] = []
  for (let index = 0; index < leaf.length; index++) {
    if (isTopItem(leaf.items, leaf.offsetOf(index))) {
      readItemOf(leaf, index, topReader(ref))
      continue
    }
    const [name, entry] = readItemOf(leaf, index, entryReader(ref))
    for (const content of contentsIn(name, entry)) contents.push(content)
  }
  return contents
}

/** Whether a node of that kind, the first of its object on its level, is what is said of it. */
export function isAsSaid({ kind, size }: Said, kindFound: string, node: Node | undefined): boolean {
  if (node === undefined || kindFound !== kind) return false
  if (kind === 'blob') return node.length === size
  // The top of a tree is in no other directory.
  return !(kind === 'dir' && node instanceof Leaf && node.length > 0 && isTopItem(node.items, 0))
}

function contentsIn(name: EntryName, entry: Entry): Content[] {
  if (entry.type === 'dir') return [{ ref: entry.content, name, said: { kind: 'dir' } }]
  if (entry.type !== 'file') return []
  const { content, size, holes } = entry
  const file: Content = { ref: content, name, said: { kind: 'blob', size } }
  return holes === undefined ? [file] : [file, { ref: holes, name, said: { kind: 'list' } }]
}
