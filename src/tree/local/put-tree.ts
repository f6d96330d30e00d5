/**
 * Stores a directory on disk as a tree: the second half, which takes the steps of the walk (tree-plan.ts) in order,
 * waits for what was read, and writes each directory once all in it is stored. SPEC "Directories".
 */

import { realpathSync } from 'node:fs'
import { join } from 'node:path'
import { encode } from '../../encoding/encode.js'
import { SourceError } from '../../errors.js'
import { Ref } from '../../hash/ref.js'
import type { ChunkTarget } from '../../sequence/chunk-sink.js'
import { type Chunk, type ChunkStore, chunkOf } from '../../store/chunk-store.js'
import { DIR_FORMAT } from '../dir-format.js'
import { DirectoryWriter } from '../directory-writer.js'
import type { Entry, EntryName, Kind, TopAttributes } from '../entry.js'
import { bytesOfName, nameOf } from '../entry-name.js'
import { ALL_KINDS, isReproducible, sortedKinds } from '../kinds.js'
import { joinPath } from '../tree-path.js'
import { FileStorer, StoredFile } from './file-storer.js'
import { AT_FDCWD, checkPlatform, STAT_BYTES, statInto } from './libc.js'
import { fileIdAt, type Listing, type ListOptions } from './list-job.js'
import { EntryRecorder } from './local-entry.js'
import { OwnerNames } from './owner-names.js'
import { EntryPacker, type FileId, PackedEntry } from './packed-entry.js'
import { recordsXattrs, xattrsAt } from './recorded-xattrs.js'
import { Scan } from './scan.js'
import { type EnterStep, type LeaveStep, type Step, TreePlan } from './tree-plan.js'
import { type KnownContent, StateReader, StateWriter } from './tree-state.js'

export interface PutTreeOptions {
  /** What is recorded besides names, types and contents; all kinds but `executable` where left out. */
  readonly with?: readonly Kind[] | undefined
  /** Patterns, as in .gitignore files, of what is left out. */
  readonly exclude?: readonly string[] | undefined
  /** Whether directories on other file systems are stored empty; false where left out. */
  readonly oneFileSystem?: boolean | undefined
  /** Whether what the last put of the same directory left is used, and left for the next one; true where left out. */
  readonly state?: boolean | undefined
  readonly signal?: AbortSignal | undefined
  /** Called with the bytes read, the bytes of chunks that were new, and the files, since the last call. */
  readonly onProgress?: ((bytes: number, newBytes: number, files: number) => void) | undefined
  /** Called with each problem. */
  readonly onProblem?: ((problem: TreeProblem) => void) | undefined
}

/** Something in the directory that is not in the tree, or not as it should be. */
export interface TreeProblem {
  /** From the top; empty for the top itself. */
  readonly path: EntryName
  readonly message: string
  /** Whether it is in the tree all the same, as it was last read. */
  readonly isStored: boolean
}

export interface TreeSummary {
  readonly ref: Ref
  readonly files: number
  readonly directories: number
  /** Bytes of the files, holes included. */
  readonly bytes: number
  /** Entries of kinds that are not recorded. */
  readonly leftOut: number
  readonly problemCount: number
  /** The first of them. */
  readonly problems: readonly TreeProblem[]
}

/** Where a tree goes: a store, or what forgets it. */
export interface TreeTarget {
  readonly target: ChunkTarget
  /** The store, if it is one that the tree stays in. */
  readonly store?: ChunkStore | undefined
}

const NO_LINKS: ReadonlyMap<number, EntryName> = new Map()

/** Problems that are kept; all are told. */
const MAX_PROBLEMS = 1000

/** Entries of steps that are planned and not taken. */
const MAX_PLANNED = 4 * 1024

/** Stores the directory at `path`. Rejects where it cannot be read itself, with NOMSY_UNSUPPORTED_PLATFORM. */
export async function writeTree(
  { target, store }: TreeTarget,
  path: string,
  options: PutTreeOptions = {},
): Promise<TreeSummary> {
  checkPlatform()
  const kinds = sortedKinds(options.with ?? ALL_KINDS)
  const root = Buffer.from(realpathSync.native(path))
  const id = fileIdAt(root)
  const { oneFileSystem = false, signal } = options
  const exclude = (options.exclude ?? []).join('\n')
  const home = store?.directory
  const scanOptions = {
    kinds,
    exclude,
    oneFileSystem,
    without: home === undefined ? undefined : directoryId(home),
  }
  const statePath =
    home === undefined || options.state === false ? undefined : stateFile(home, root, scanOptions)
  const names = new OwnerNames()
  const state = statePath === undefined ? undefined : await usableState(statePath, store!, names)
  const writer = new TreeBuilder({ target, kinds, names, options, root, state, statePath })
  const storer = new FileStorer({
    target,
    kinds,
    signal,
    onProgress: (files, bytes, newBytes) => options.onProgress?.(bytes, newBytes, files),
  })
  const scan = new Scan(root, id, scanOptions)
  const plan = new TreePlan({ scan, storer, state, hasLinks: kinds.includes('links') })
  try {
    return await build(plan, storer, writer, signal)
  } finally {
    writer.abandon()
    await Promise.all([scan.abandon(), storer.abandon()])
    state?.close()
  }
}

/** Takes the steps of `plan`, some of them ahead. */
async function build(
  plan: TreePlan,
  storer: FileStorer,
  builder: TreeBuilder,
  signal: AbortSignal | undefined,
): Promise<TreeSummary> {
  const planned: Step[] = []
  let plannedEntries = 0
  let isDone = false
  for (;;) {
    while (!isDone && plannedEntries < MAX_PLANNED) {
      signal?.throwIfAborted()
      const step = await plan.next()
      if (step === undefined) {
        isDone = true
        break
      }
      planned.push(step)
      plannedEntries += cost(step)
      await storer.ready()
    }
    if (isDone) storer.flush()
    let taken = 0
    for (; taken < planned.length && isReady(planned[taken]!, storer); taken++) {
      const step = planned[taken]!
      plannedEntries -= cost(step)
      await builder.take(step)
    }
    planned.splice(0, taken)
    if (isDone && planned.length === 0) return builder.finish()
    if (taken === 0) await storer.step()
  }
}

/** Whether all files of a step are stored; has those begun with that wait for more. */
function isReady(step: Step, storer: FileStorer): boolean {
  if (step.type === 'leave') return true
  for (; step.doneCount < step.files.length; step.doneCount++) {
    const file = step.files[step.doneCount]!
    if (!(file instanceof StoredFile) || file.isDone) continue
    if (!file.isBegun) storer.flush()
    if (!file.isDone) return false
  }
  return true
}

function cost(step: Step): number {
  return step.type === 'enter' ? step.listing.count + 4 : 1
}

interface BuilderOptions {
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

class TreeBuilder {
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

/** Where the state of putting the directory `root` so lies: other ways to put it have others. */
function stateFile(home: string, root: Uint8Array, { kinds, exclude, oneFileSystem }: ListOptions): string {
  const key = Ref.of(encode([root, [...kinds], exclude, oneFileSystem]))
  return join(home, 'state', key.toString())
}

/** The state at `path`, if what it says is in the store and owners are still called so. */
async function usableState(
  path: string,
  store: ChunkStore,
  names: OwnerNames,
): Promise<StateReader | undefined> {
  const state = StateReader.open(path)
  if (state === undefined) return undefined
  const { root, names: used } = state.summary
  // A store that holds the root holds all that is under it, but for what is lost: that is to be read again.
  if ((await store.has(root)) && names.stillSays(used) && !(await hasLost(store))) return state
  state.close()
  return undefined
}

/** Whether chunks that a repair could not find are still lacking. */
async function hasLost(store: ChunkStore): Promise<boolean> {
  for (const ref of (await store.lost?.list()) ?? []) {
    if ((await store.get(ref).catch(() => undefined)) === undefined) return true
  }
  return false
}

/** A state that cannot be written costs time and nothing else. */
function openWriter(path: string): StateWriter | undefined {
  try {
    return new StateWriter(path)
  } catch {
    return undefined
  }
}

/** The identity of a directory, if it is there. */
function directoryId(path: string): FileId | undefined {
  try {
    return fileIdAt(Buffer.from(realpathSync.native(path)))
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
