/**
 * A way from one chunk to another, with what the one says of the other; and whether a chunk is what it is said to be.
 * SPEC "Nodes", "Commits".
 *
 * A kind that has nodes of its own is added to FORMATS; of other kinds it is enough that their children are there.
 */

import { BLOB_FORMAT } from '../../blob/blob-format.js'
import { LIST_FORMAT, MAP_FORMAT, SET_FORMAT } from '../../collection/collection-format.js'
import { EncodingError, InvalidNodeError } from '../../errors.js'
import { Ref } from '../../hash/ref.js'
import { whyNotChild } from '../../sequence/child-check.js'
import type { SequenceFormat } from '../../sequence/format.js'
import { kindOf } from '../../sequence/kind.js'
import { Leaf, MetaNode, type Node } from '../../sequence/node.js'
import { decodeNode } from '../../sequence/node-codec.js'
import { childrenOf } from '../../sequence/walk.js'
import { DIR_FORMAT } from '../../tree/dir-format.js'
import { COMMIT_KIND, type Commit, decodeCommit } from '../commit.js'
import { contentsOf, isAsSaid, type Said } from './entries.js'

const FORMATS = new Map(
  [BLOB_FORMAT, LIST_FORMAT, MAP_FORMAT, SET_FORMAT, DIR_FORMAT].map((format) => [format.kind, format]),
)

/** A chunk to look at. */
export interface Edge {
  readonly ref: Ref
  /** The node whose child it is, where it is one; its format is the child's. */
  readonly parent?: { readonly format: SequenceFormat; readonly node: MetaNode; readonly index: number }
  /** The generation that it must have: it is the one parent of a commit. */
  readonly generation?: number
  /** What an entry of a directory says of the object, of which this is the root or the first node of a level. */
  readonly said?: Said
}

/** What a chunk is found to be. */
export interface Found {
  readonly format: SequenceFormat | undefined
  readonly node: Node | undefined
  readonly commit: Commit | undefined
  /** Everything that it refers to. */
  readonly edges: readonly Edge[]
}

/** What is in the chunk of `edge`, or in words why that is wrong. */
export function lookAt({ ref, parent, generation, said }: Edge, bytes: Uint8Array): Found | string {
  try {
    const kind = kindOf(bytes) ?? ''
    const format = parent?.format ?? FORMATS.get(kind)
    const node = format && decodeNode(format, bytes)
    if (parent !== undefined && whyNotChild(parent.format, parent.node, parent.index, node!) !== undefined) {
      return 'not what its parent says'
    }
    if (said !== undefined && !isAsSaid(said, kind, node)) return 'not what its entry says'
    if (node instanceof MetaNode)
      return { format, node, commit: undefined, edges: childEdges(format!, node, said) }
    // A blob's leaf has none, and is not looked through for them.
    if (node instanceof Leaf && format === BLOB_FORMAT) return { format, node, commit: undefined, edges: [] }
    if (node instanceof Leaf && format === DIR_FORMAT)
      return { format, node, commit: undefined, edges: contentsOf(ref, node) }
    const children = childrenOf(ref, bytes)
    const commit = kind === COMMIT_KIND ? decodeCommit(ref, bytes) : undefined
    if (generation !== undefined && commit?.generation !== generation) return 'not the parent of its commit'
    return { format, node, commit, edges: commit ? commitEdges(commit, children) : children.map(edgeTo) }
  } catch (error) {
    if (error instanceof EncodingError || error instanceof InvalidNodeError) return 'no valid node'
    throw error
  }
}

export function edgeTo(ref: Ref): Edge {
  return { ref }
}

/** Whether nothing can be under the chunk: it is a blob's leaf. */
export function isBlobLeaf({ parent }: Edge): boolean {
  return parent?.format === BLOB_FORMAT && parent.node.level === 1
}

/**
 * Equal for edges that say the same of the same chunk, so that what holds for one of them holds for all: the ref, or a
 * hash of it and of all that is said.
 */
export function edgeKey({ ref, parent, generation, said: entry }: Edge): Ref {
  if (parent === undefined && generation === undefined && entry === undefined) return ref
  const byEntry = entry === undefined ? '' : `entry ${entry.kind} ${entry.size ?? '-'} `
  const said = new TextEncoder().encode(
    parent === undefined
      ? `${byEntry}commit ${generation ?? '-'}`
      : `${byEntry}${parent.format.kind} ${parent.node.level} ${parent.node.childLength(parent.index)} `,
  )
  const last = parent?.node.lastKey(parent.index)
  const before = parent !== undefined && parent.index > 0 ? parent.node.lastKey(parent.index - 1) : undefined
  // A key says itself where it ends.
  return Ref.of(joined([ref.bytes, said, ...(last ? [last] : []), ...(before ? [before] : [])]))
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  return bytes
}

function childEdges(format: SequenceFormat, node: MetaNode, said: Said | undefined): Edge[] {
  return Array.from({ length: node.childCount }, (_, index) => ({
    ref: node.childRef(index),
    parent: { format, node, index },
    // A directory says in its first leaf whether it is the top of a tree.
    ...(index === 0 && said?.kind === 'dir' && { said }),
  }))
}

/** The parents come last: histories are long, and are walked when the rest has been seen. */
function commitEdges({ parents, generation }: Commit, children: readonly Ref[]): Edge[] {
  const texts = new Set(parents.map(String))
  const others = children.filter((ref) => !texts.has(ref.toString())).map(edgeTo)
  // Of several parents one has that generation, which takes a look at all of them.
  if (parents.length !== 1) return [...others, ...parents.map(edgeTo)]
  return [...others, { ref: parents[0]!, generation: generation - 1 }]
}
