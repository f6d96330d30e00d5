/**
 * Writes the directories of a tree on disk as the steps of its walk come by (tree-plan.ts): each once all in it is
 * stored. Keeps count, and the state for the next time.
 */

import { SourceError } from '../../errors.js'
import type { Ref } from '../../hash/ref.js'
import type { ChunkTarget } from '../../sequence/chunk-sink.js'
import { type Chunk, chunkOf } from '../../store/chunk-store.js'
import { DIR_FORMAT } from '../dir-format.js'
import { DirectoryWriter } from '../directory-writer.js'
import type { Entry, EntryName, Kind, TopAttributes } from '../entry.js'
import { bytesOfName, nameOf } from '../entry-name.js'
import { isReproducible } from '../kinds.js'
import { joinPath } from '../tree-path.js'
import { StoredFile } from './file-storer.js'
import { AT_FDCWD, STAT_BYTES, statInto } from './libc.js'
import type { Listing } from './list-job.js'
import { EntryRecorder } from './local-entry.js'
import type { OwnerNames } from './owner-names.js'
import { EntryPacker, PackedEntry } from './packed-entry.js'
import type { PutTreeOptions, TreeProblem, TreeSummary } from './put-tree.js'
import { recordsXattrs, xattrsAt } from './recorded-xattrs.js'
import type { EnterStep, LeaveStep, Step } from './tree-plan.js'
import { type KnownContent, type StateReader, StateWriter } from './tree-state.js'

const NO_LINKS: ReadonlyMap<number, EntryName> = new Map()

/** Problems that are kept; all are told. */
const MAX_PROBLEMS = 1000

export interface BuilderOptions {
  readonly target: ChunkTarget
  readonly kinds: readonly Kind[]
  readonly names: OwnerNames
  readonly options: PutTreeOptions
  readonly root: Uint8Array
  readonly state: StateReader | undefined
  readonly statePath: string | undefined
}

/** A directory that was entered and not left. */
interface OpenStep {
  readonly step: EnterStep
  readonly path: EntryName
  /** What became of the directories in it, in order; undefined for those that are left out. */
  readonly children: (Ref | undefined)[]
  /** By where an entry begins in the listing: the path of its first name, if it has another. */
  readonly links: ReadonlyMap<number, EntryName>
  /** Whether nothing in it or below has changed. */
  isSame: boolean
  /** Whether it is left out itself. */
  readonly isLost: boolean
}

export class TreeBuilder {
  readonly #options: BuilderOptions
  readonly #recorder: EntryRecorder
  readonly #target: GatheringTarget
  readonly #top: PackedEntry
  readonly #newState: StateWriter | undefined
  readonly #open: OpenStep[] = []
  /** Paths of the first names of files that have several, and how many are still to come. */
  readonly #firstNames = new Map<string, { readonly path: EntryName; left: number }>()
  readonly #problems: TreeProblem[] = []
  #problemCount = 0
  #files = 0
  #directories = 0
  #bytes = 0
  #leftOut = 0
  #root: Ref | undefined

  constructor(options: BuilderOptions) {
    const { kinds, names, target, root, statePath } = options
    this.#options = options
    this.#recorder = new EntryRecorder(kinds, names)
    this.#target = new GatheringTarget(target, (newBytes) => options.options.onProgress?.(0, newBytes, 0))
    this.#top = topEntry(root, kinds)
    if (statePath !== undefined) this.#newState = openWriter(statePath)
  }

  async take(step: Step): Promise<void> {
    if (step.type === 'enter') this.#enter(step)
    else await this.#leave(step)
  }

  /** Resolves when everything is stored. */
  async finish(): Promise<TreeSummary> {
    await this.#target.flush()
    const ref = this.#root!
    this.#newState?.finish({ root: ref, top: this.#top.packed, names: this.#options.names.used() })
    return {
      ref,
      files: this.#files,
      directories: this.#directories,
      bytes: this.#bytes,
      leftOut: this.#leftOut,
      problemCount: this.#problemCount,
      problems: this.#problems,
    }
  }

  abandon(): void {
    this.#newState?.abandon()
  }

  #enter(step: EnterStep): void {
    const { directory, listing, same, isLoop } = step
    const parent = this.#open[this.#open.length - 1]
    const name = parent === undefined ? '' : nameOf(directory.name)
    const path = parent === undefined ? '' : joinPath(parent.path, name)
    const why = isLoop ? 'it is one of the directories that it lies in' : reasonIn(listing)
    if (why !== undefined && parent === undefined)
      throw new SourceError(`the directory cannot be read: ${why}`)
    const links = this.#links(step, path)
    this.#open.push({
      step,
      path,
      children: [],
      links,
      isSame: same !== undefined,
      isLost: why !== undefined,
    })
    if (why !== undefined) return this.#report(path, why, false)
    this.#leftOut += listing.leftOut
    for (const problem of listing.problems)
      this.#report(joinPath(path, nameOf(problem.name!)), problem.message, false)
    const isPartial = listing.problems.length > 0 || listing.hasLinks
    this.#newState?.begin(bytesOfName(name), listing, same?.results ?? step.files.map(knownOf), isPartial)
  }

  async #leave({ knownRef }: LeaveStep): Promise<void> {
    const open = this.#open.pop()!
    const parent = this.#open[this.#open.length - 1]
    if (open.isLost) {
      parent!.children.push(undefined)
      parent!.isSame = false
      return
    }
    this.#directories++
    const isSame = open.isSame && knownRef !== undefined && (parent !== undefined || this.#isSameTop())
    const ref = isSame ? this.#count(open, knownRef) : await this.#write(open)
    this.#newState?.end(ref)
    if (parent === undefined) {
      this.#root = ref
      return
    }
    parent.children.push(ref)
    if (!isSame) parent.isSame = false
  }

  /** Counts what is in a directory that is as it was. */
  #count({ step }: OpenStep, ref: Ref): Ref {
    const entry = new PackedEntry(step.listing.entries)
    while (entry.next()) {
      if (!entry.isFile) continue
      this.#files++
      this.#bytes += entry.size
    }
    return ref
  }

  async #write(open: OpenStep): Promise<Ref> {
    const isTop = this.#open.length === 0
    const writer = new DirectoryWriter({ target: this.#target }, isTop ? this.#topAttributes() : undefined)
    for (const [name, entry] of this.#entries(open)) {
      writer.add(name, entry)
      if (writer.isFull) await writer.drain()
    }
    return (await writer.finish()).ref
  }

  /** The entries of a directory, in the order of names. */
  *#entries({ step, path, children, links }: OpenStep): Generator<[EntryName, Entry]> {
    const entry = new PackedEntry(step.listing.entries)
    const known = step.same?.contents()
    let file = 0
    let child = 0
    while (entry.next()) {
      const { name } = entry
      if (entry.isDirectory) {
        const ref = entry.isEntered ? children[child++] : this.#empty()
        if (ref !== undefined) yield [name, this.#recorder.directory(entry, ref)]
      } else if (entry.isFile) {
        const stored = known === undefined ? step.files[file++]! : known.next().value!
        const recorded = this.#file(entry, stored, joinPath(path, name), links.get(entry.start))
        if (recorded !== undefined) yield [name, recorded]
      } else {
        yield [name, this.#recorder.other(entry, links.get(entry.start))]
      }
    }
  }

  /** The entry of a file; undefined where it could not be read. */
  #file(
    listed: PackedEntry,
    stored: StoredFile | KnownContent,
    path: EntryName,
    link: EntryName | undefined,
  ): Entry | undefined {
    const isStored = stored.content !== undefined
    if ('message' in stored && stored.message !== undefined) this.#report(path, stored.message, isStored)
    if (stored.content === undefined) return undefined
    const entry = ('entry' in stored && stored.entry && firstOf(stored.entry)) || listed
    this.#files++
    this.#bytes += entry.size
    return this.#recorder.file(entry, stored as KnownContent, entry.size, link)
  }

  /** Finds what in a directory has a name before, in walk order; what could not be read has no name. */
  #links({ listing, files }: EnterStep, path: EntryName): ReadonlyMap<number, EntryName> {
    if (!listing.hasLinks || !this.#options.kinds.includes('links')) return NO_LINKS
    const links = new Map<number, EntryName>()
    const entry = new PackedEntry(listing.entries)
    let file = 0
    while (entry.next()) {
      const isLost = entry.isFile && files[file++]?.content === undefined
      if (isLost || entry.isDirectory || entry.nlink < 2) continue
      const key = entry.fileKey
      const first = this.#firstNames.get(key)
      if (first === undefined) {
        this.#firstNames.set(key, { path: joinPath(path, entry.name), left: entry.nlink - 1 })
        continue
      }
      links.set(entry.start, first.path)
      if (--first.left === 0) this.#firstNames.delete(key)
    }
    return links
  }

  #empty(): Ref {
    const chunk = chunkOf(DIR_FORMAT.encodeLeaf(new Uint8Array(0), 0))
    this.#target.add(chunk)
    return chunk.ref
  }

  #topAttributes(): TopAttributes | undefined {
    const { kinds } = this.#options
    if (isReproducible(kinds)) return undefined
    return { with: kinds, ...this.#recorder.attributes(this.#top) }
  }

  #isSameTop(): boolean {
    const { state, kinds } = this.#options
    return isReproducible(kinds) || Buffer.compare(state!.summary.top, this.#top.packed) === 0
  }

  #report(path: EntryName, message: string, isStored: boolean): void {
    const problem = { path, message, isStored }
    this.#problemCount++
    if (this.#problems.length < MAX_PROBLEMS) this.#problems.push(problem)
    this.#options.options.onProblem?.(problem)
  }
}

/** Why nothing could be listed. */
function reasonIn({ problems }: Listing): string | undefined {
  return problems.find(({ name }) => name === undefined)?.message
}

/** What the next put may believe of a file: nothing, where it was not as it was listed. */
function knownOf(file: StoredFile | KnownContent): KnownContent | undefined {
  if (file.content === undefined) return undefined
  if (file instanceof StoredFile && (file.entry !== undefined || file.message !== undefined)) return undefined
  return { content: file.content, holes: file.holes }
}

function firstOf(entries: Uint8Array): PackedEntry {
  const entry = new PackedEntry(entries)
  entry.next()
  return entry
}

/** What is known of the top itself. */
function topEntry(root: Uint8Array, kinds: readonly Kind[]): PackedEntry {
  const stat = new Uint32Array(STAT_BYTES / 4)
  statInto(new Uint8Array(stat.buffer), AT_FDCWD, root)
  const packer = new EntryPacker(256)
  packer.add(stat, {
    name: new Uint8Array(0),
    xattrs: recordsXattrs(kinds) ? xattrsAt(root, kinds) : undefined,
  })
  return firstOf(packer.take())
}

/** A state that cannot be written costs time and nothing else. */
function openWriter(path: string): StateWriter | undefined {
  try {
    return new StateWriter(path)
  } catch {
    return undefined
  }
}

/** Chunks that are gathered before they are handed on, since a directory has one or two. */
const GATHERED_CHUNKS = 256

class GatheringTarget implements ChunkTarget {
  readonly #target: ChunkTarget
  readonly #onStored: (newBytes: number) => void
  #chunks: Chunk[] = []

  constructor(target: ChunkTarget, onStored: (newBytes: number) => void) {
    this.#target = target
    this.#onStored = onStored
  }

  add(chunk: Chunk): void {
    this.#chunks.push(chunk)
  }

  async put(chunks: readonly Chunk[]): Promise<number> {
    for (const chunk of chunks) this.#chunks.push(chunk)
    if (this.#chunks.length >= GATHERED_CHUNKS) await this.flush()
    return 0
  }

  async flush(): Promise<void> {
    const chunks = this.#chunks
    this.#chunks = []
    this.#onStored(await this.#target.put(chunks))
  }
}
