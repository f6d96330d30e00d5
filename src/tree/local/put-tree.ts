/**
 * Stores a directory on disk as a tree: takes the steps of the walk (tree-plan.ts) in order, and waits for what was read
 * of the files in each before it goes to the tree (tree-builder.ts). SPEC "Directories".
 */

import { realpathSync } from 'node:fs'
import { join } from 'node:path'
import { encode } from '../../encoding/encode.js'
import { Ref } from '../../hash/ref.js'
import type { ChunkTarget } from '../../sequence/chunk-sink.js'
import type { ChunkStore } from '../../store/chunk-store.js'
import type { EntryName, Kind } from '../entry.js'
import { ALL_KINDS, sortedKinds } from '../kinds.js'
import { FileStorer, StoredFile } from './file-storer.js'
import { fileIdAt, type ListOptions } from './list-job.js'
import { OwnerNames } from './owner-names.js'
import type { FileId } from './packed-entry.js'
import { Scan } from './scan.js'
import { checkPlatform } from './system-call.js'
import { TreeBuilder } from './tree-builder.js'
import { type Step, TreePlan } from './tree-plan.js'
import { StateReader } from './tree-state.js'

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

/** The identity of a directory, if it is there. */
function directoryId(path: string): FileId | undefined {
  try {
    return fileIdAt(Buffer.from(realpathSync.native(path)))
  } catch {
    return undefined
  }
}
