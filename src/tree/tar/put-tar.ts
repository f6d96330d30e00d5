/**
 * Stores what is in a tar archive as a directory: the one that storing the same files from the disk gives. Members may
 * come in any order, and of those with the same name the last one counts. Names that lead out of the archive, or through
 * something that is no directory, are refused.
 */

import { Blob } from '../../blob/blob.js'
import type { CollectionContext } from '../../collection/collection.js'
import { List } from '../../collection/list.js'
import { ArchiveError } from '../../errors.js'
import { EMPTY_DIRECTORY } from '../dir-tree.js'
import { Directory } from '../directory.js'
import { writeDirectory } from '../directory-writer.js'
import type { Attributes, Entry, EntryName, Kind, TopAttributes } from '../entry.js'
import { compareNames, nameOf } from '../entry-name.js'
import { ALL_KINDS, isReproducible, sortedKinds } from '../kinds.js'
import { namesOf, pathKey, pathText } from '../tree-path.js'
import type { AclNames } from './posix-acl.js'
import { readTar, type TarMember } from './read-tar.js'
import { attributesOf } from './tar-attributes.js'

export interface PutTarOptions {
  /** What is recorded, of what the archive has; all kinds but `executable` where left out. */
  readonly with?: readonly Kind[] | undefined
  readonly signal?: AbortSignal | undefined
  /** Called with the bytes of files taken in, and the bytes of new chunks, since the last call. */
  readonly onProgress?: ((bytes: number, newBytes: number) => void) | undefined
  /** Called with the path '' where the archive lacks its end: what is in it is stored, and may not be all. */
  readonly onProblem?: ((path: string, message: string) => void) | undefined
}

/** Members whose entries wait to be put into the tree together. */
const MAX_WAITING = 10_000

const EXECUTABLE = 0o100

interface Waiting {
  readonly names: readonly EntryName[]
  readonly entry: Entry
}

export async function putTar(
  context: CollectionContext,
  source: AsyncIterable<Uint8Array>,
  options: PutTarOptions,
  aclNames: AclNames,
): Promise<Directory> {
  const builder = new TarBuilder(context, options, aclNames, await Directory.empty(context))
  const noEnd = (): void =>
    options.onProblem?.('', 'the mark is missing that ends an archive; it may be cut off')
  for await (const member of readTar(source, noEnd)) {
    options.signal?.throwIfAborted()
    await builder.add(member)
  }
  return builder.finish()
}

class TarBuilder {
  readonly #context: CollectionContext
  readonly #options: PutTarOptions
  readonly #kinds: readonly Kind[]
  readonly #aclNames: AclNames
  #tree: Directory
  #top: Attributes = {}
  #files = new Map<string, Waiting>()
  #directories = new Map<string, Waiting>()
  /** Names of files that have several: all that share a file share a set. */
  readonly #groups = new Map<string, Set<string>>()
  readonly #paths = new Map<string, readonly EntryName[]>()
  /** Links to what has not come yet. */
  #early: { readonly names: readonly EntryName[]; readonly target: readonly EntryName[] }[] = []

  constructor(context: CollectionContext, options: PutTarOptions, aclNames: AclNames, empty: Directory) {
    this.#context = context
    this.#options = options
    this.#kinds = sortedKinds(options.with ?? ALL_KINDS)
    this.#aclNames = aclNames
    this.#tree = empty
  }

  async add(member: TarMember): Promise<void> {
    const names = pathOf(member.path)
    const attributes = attributesOf(member, this.#kinds, this.#aclNames)
    if (names.length === 0) {
      if (member.type !== 'dir') throw new ArchiveError('the archive has a member without a name')
      this.#top = attributes
      return
    }
    if (member.type === 'dir') {
      this.#files.delete(keyOf(names))
      this.#directories.set(keyOf(names), {
        names,
        entry: { type: 'dir', content: EMPTY_DIRECTORY, ...attributes },
      })
      this.#forget(names)
    } else if (member.type === 'link') return this.#link(names, pathOf(member.target))
    else {
      this.#forget(names)
      const entry = await this.#entryOf(member, attributes)
      if (entry !== undefined) this.#set(names, entry)
    }
    if (this.#files.size + this.#directories.size >= MAX_WAITING) await this.#settle()
  }

  async finish(): Promise<Directory> {
    await this.#settle()
    for (const { names, target } of this.#early) {
      if ((await this.#tree.get(target)) === undefined)
        throw new ArchiveError(
          `the archive has ${pathText(names)} linked to ${pathText(target)}, which it has not`,
        )
      await this.#link(names, target)
    }
    await this.#settle()
    if (this.#kinds.includes('links')) await this.#writeLinks()
    const tree = this.#tree
    if (isReproducible(this.#kinds)) return tree
    const top: TopAttributes = { ...this.#top, with: this.#kinds }
    const { store, params } = this.#context
    const root = await writeDirectory(tree.entries(), { target: store, params }, top)
    return Directory.open(this.#context, root.ref)
  }

  #set(names: readonly EntryName[], entry: Entry): void {
    const key = keyOf(names)
    this.#directories.delete(key)
    this.#files.delete(key)
    this.#files.set(key, { names, entry })
  }

  /** What has this name now is no other's any more. */
  #forget(names: readonly EntryName[]): void {
    const key = keyOf(names)
    this.#groups.get(key)?.delete(key)
    this.#groups.delete(key)
  }

  async #link(names: readonly EntryName[], target: readonly EntryName[]): Promise<void> {
    const [key, targetKey] = [keyOf(names), keyOf(target)]
    if (key === targetKey) return
    const entry = this.#files.get(targetKey)?.entry ?? (await this.#tree.get(target))
    if (entry === undefined) {
      this.#early.push({ names, target })
      return
    }
    if (entry.type === 'dir')
      throw new ArchiveError(`the archive has ${pathText(names)} linked to a directory`)
    this.#forget(names)
    this.#set(names, entry)
    const group = this.#groups.get(targetKey) ?? new Set([targetKey])
    group.add(key)
    for (const [each, path] of [
      [key, names],
      [targetKey, target],
    ] as const) {
      this.#groups.set(each, group)
      this.#paths.set(each, path)
    }
  }

  /** Puts what waits into the tree: files first, then what is said of directories, those further up first. */
  async #settle(): Promise<void> {
    try {
      const before = this.#tree
      const files = before.edit()
      for (const { names } of this.#directories.values()) {
        const there = await before.get(names)
        if (there !== undefined && there.type !== 'dir') files.delete(names)
      }
      for (const { names, entry } of this.#files.values()) files.set(names, entry)
      const tree = await files.done()
      const directories = tree.edit()
      const sorted = [...this.#directories.values()].sort((a, b) => a.names.length - b.names.length)
      for (const { names, entry } of sorted) {
        const there = await tree.get(names)
        directories.set(
          names,
          there?.type === 'dir' ? { ...entry, type: 'dir', content: there.content } : entry,
        )
      }
      this.#tree = await directories.done()
    } catch (cause) {
      if ((cause as { code?: string }).code !== 'NOMSY_NOT_A_DIRECTORY') throw cause
      throw new ArchiveError(`the archive has members in what is no directory: ${(cause as Error).message}`, {
        cause,
      })
    }
    this.#files = new Map()
    this.#directories = new Map()
  }

  /** Says of each file of several names which one is the first. */
  async #writeLinks(): Promise<void> {
    const tree = this.#tree
    const edit = tree.edit()
    for (const group of new Set(this.#groups.values())) {
      const paths = [...group].map((key) => this.#paths.get(key)!)
      paths.sort(inWalkOrder)
      const first = paths[0]
      if (first === undefined) continue
      const entry = await tree.get(first)
      for (const path of paths.slice(1)) {
        const other = await tree.get(path)
        if (entry === undefined || entry.type === 'dir' || other?.type !== entry.type) continue
        edit.set(path, { ...entry, link: nameOf(bytesOf(first)) })
      }
    }
    this.#tree = await edit.done()
  }

  async #entryOf(member: TarMember, attributes: Attributes): Promise<Entry | undefined> {
    const { type, device } = member
    const leftOut = type === 'symlink' ? 'symlinks' : 'special'
    if (type === 'file') return this.#fileOf(member, attributes)
    if (!this.#kinds.includes(leftOut)) return undefined
    if (type === 'symlink') return { type, target: nameOf(member.target), ...attributes }
    if (type === 'fifo') return { type, ...attributes }
    if (type === 'char' || type === 'block') return { type, device, ...attributes }
    throw new TypeError(`a member of the type ${type}`)
  }

  async #fileOf(member: TarMember, attributes: Attributes): Promise<Entry> {
    const { size, parts, mode } = member
    const { signal, onProgress } = this.#options
    const { store, cache } = this.#context
    const bytes = parts === undefined ? member.content() : filled(member.content(), parts, size)
    const blob = await Blob.put({ store, cache }, bytes, { signal, onProgress })
    const isExecutable = this.#kinds.includes('executable') && (mode & EXECUTABLE) !== 0
    const holes = parts === undefined || !this.#kinds.includes('holes') ? [] : holesBetween(parts, size)
    return {
      type: 'file',
      content: blob.ref,
      size,
      ...attributes,
      ...(isExecutable && { executable: true }),
      ...(holes.length > 0 && { holes: (await List.from(this.#context, holes)).ref }),
    }
  }
}

/** The names of a member's path: one at the root, or here, is the same. */
function pathOf(path: Uint8Array): readonly EntryName[] {
  const parts: Uint8Array[] = []
  for (let start = 0; start <= path.length; ) {
    const slash = path.indexOf(0x2f, start)
    const end = slash < 0 ? path.length : slash
    const part = path.slice(start, end)
    const isHere = part.length === 0 || (part.length === 1 && part[0] === 0x2e)
    if (!isHere) parts.push(part)
    start = end + 1
  }
  try {
    return namesOf(parts.map(nameOf))
  } catch (cause) {
    throw new ArchiveError(
      `the archive has a name that leads elsewhere, or nowhere: ${(cause as Error).message}`,
      {
        cause,
      },
    )
  }
}

function keyOf(names: readonly EntryName[]): string {
  return names.map(pathKey).join('/')
}

function bytesOf(names: readonly EntryName[]): Uint8Array {
  return Buffer.concat(
    names.flatMap((name, index) => [Buffer.from(index === 0 ? '' : '/'), Buffer.from(name)]),
  )
}

/** Below, at or above 0 as a walk comes by `a` before, at or after `b`: what is no directory before directories. */
function inWalkOrder(a: readonly EntryName[], b: readonly EntryName[]): number {
  for (let index = 0; ; index++) {
    const [isLastA, isLastB] = [index === a.length - 1, index === b.length - 1]
    const order = compareNames(a[index]!, b[index]!)
    if (order === 0 && !isLastA && !isLastB) continue
    if (isLastA !== isLastB) return isLastA ? -1 : 1
    return order
  }
}

/** Offset and length of each stretch between `parts`, and up to `size`. */
function holesBetween(parts: readonly number[], size: number): number[] {
  const holes: number[] = []
  let end = 0
  const add = (start: number): void => {
    if (start > end) holes.push(end, start - end)
  }
  for (let index = 0; index < parts.length; index += 2) {
    add(parts[index]!)
    end = parts[index]! + parts[index + 1]!
  }
  add(size)
  return holes
}

const ZEROS = new Uint8Array(64 * 1024)

/** The bytes of a sparse file, holes as zeros; `pieces` are those of `parts`. */
async function* filled(
  pieces: AsyncGenerator<Uint8Array>,
  parts: readonly number[],
  size: number,
): AsyncGenerator<Uint8Array> {
  const holes = holesBetween(parts, size)
  let hole = 0
  let at = 0
  function* zeros(): Generator<Uint8Array> {
    while (hole < holes.length && holes[hole] === at) {
      for (let left = holes[hole + 1]!; left > 0; left -= ZEROS.length) yield ZEROS.subarray(0, left)
      at += holes[hole + 1]!
      hole += 2
    }
  }
  yield* zeros()
  for await (const piece of pieces) {
    for (let rest = piece; rest.length > 0; ) {
      const end = holes[hole] ?? size
      const part = rest.subarray(0, end - at)
      yield part
      at += part.length
      rest = rest.subarray(part.length)
      yield* zeros()
    }
  }
}
