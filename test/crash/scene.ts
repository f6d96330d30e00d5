/**
 * A segment store on a crashing disk, driven by a scenario, with a journal of all that happens to the disk and the
 * index, all that is asked of the store and all that it acknowledges, in order.
 */

import { childrenIn } from '../../src/database/gc.js'
import { encode } from '../../src/encoding/encode.js'
import { HeadConflictError, NomsyError } from '../../src/errors.js'
import { Ref } from '../../src/hash/ref.js'
import { type Chunk, type ChunkStore, type Collected, chunkOf } from '../../src/store/chunk-store.js'
import type { FileSystem } from '../../src/store/segment/file-system.js'
import { SegmentStore } from '../../src/store/segment/segment-store.js'
import { CrashFs } from './crash-fs.js'
import { CrashIndex, type IndexStep } from './crash-index.js'
import { Disk, type DiskEvent } from './disk.js'
import { choices } from './images.js'
import type { Contents, HeadValue, Note } from './ledger.js'
import type { Random } from './random.js'

export type Entry =
  | { readonly kind: 'disk'; readonly event: DiskEvent }
  | { readonly kind: 'index'; readonly step: IndexStep }
  | { readonly kind: 'note'; readonly note: Note }
  /** From here on the disk and the index are these. */
  | { readonly kind: 'reset'; readonly disk: Disk; readonly steps: readonly IndexStep[] }

export interface SceneOptions {
  readonly random: Random
  readonly path?: string | undefined
  readonly segmentBytes?: number | undefined
  /** None where left out. */
  readonly ballastBytes?: number | undefined
  readonly disk?: Disk | undefined
  readonly steps?: readonly IndexStep[] | undefined
  /** Most turns of the event loop that an operation takes; 0 where nothing runs at once. */
  readonly maxTurns?: number | undefined
  /** Puts something between the store and the disk. */
  readonly wrap?: ((fs: FileSystem) => FileSystem) | undefined
  readonly stopAt?: number | undefined
}

const CLOSED = Symbol('closed')

export const DEFAULT_PATH = '/store'

interface Open {
  readonly fs: CrashFs
  readonly store: SegmentStore
}

export class Scene {
  readonly journal: Entry[] = []
  readonly random: Random
  readonly path: string
  readonly #options: SceneOptions
  #disk: Disk
  #steps: IndexStep[]
  #open: Open | undefined
  #callCount = 0
  #chunkCount = 0
  /** What is under the chunks that have something under them. */
  readonly #children = new Map<string, readonly string[]>()
  #collectingNotes = 0
  /** Heads that are being moved. */
  readonly #moving: string[] = []
  /** Stores in which a collection is under way. */
  readonly #collections = new Set<Open>()
  /** Heads as last acknowledged. */
  readonly #heads = new Map<string, Ref>()
  #operationCount = 0

  constructor(options: SceneOptions) {
    this.#options = options
    this.random = options.random
    this.path = options.path ?? DEFAULT_PATH
    this.#disk = options.disk ?? Disk.empty()
    this.#disk.endChanges()
    this.#steps = [...(options.steps ?? [])]
    this.journal.push({ kind: 'reset', disk: this.#disk.fork(), steps: [...this.#steps] })
  }

  get isOpen(): boolean {
    return this.#open !== undefined
  }

  /** The store that is open. */
  get store(): SegmentStore {
    return this.#open!.store
  }

  /** Operations of the file system so far. */
  get operationCount(): number {
    return this.#operationCount + (this.#open?.fs.operationCount ?? 0)
  }

  /** Opens the store. What it shows then counts as acknowledged. */
  async open(): Promise<void> {
    const { wrap = (fs) => fs, segmentBytes, ballastBytes = 0, maxTurns = 3, stopAt } = this.#options
    const turns = maxTurns === 0 ? () => 0 : () => this.random.below(maxTurns + 1)
    const fs = new CrashFs({
      disk: this.#disk,
      turns,
      ...(stopAt === undefined ? {} : { stopAt: stopAt - this.#operationCount }),
      onEvent: (event) => {
        this.journal.push({ kind: 'disk', event })
      },
    })
    const openIndex = (): Promise<CrashIndex> =>
      CrashIndex.open({
        steps: [...this.#steps],
        turns,
        onStep: (step) => {
          fs.throwIfStopped()
          this.#steps.push(step)
          this.journal.push({ kind: 'index', step })
        },
      })
    const store = await SegmentStore.open(this.path, {
      fileSystem: wrap(fs),
      segmentBytes,
      ballastBytes,
      openIndex,
    })
    const open = (this.#open = { fs, store })
    const seen = await contentsOf(store).catch((error: unknown) => {
      this.letGo()
      throw error
    })
    this.#note(open, { kind: 'opened', seen })
    this.#heads.clear()
    this.#moving.length = 0
    for (const [name, text] of seen.heads) this.#heads.set(name, Ref.parse(text)!)
  }

  /** Checks the store; what it finds, in words. */
  async check(): Promise<string[]> {
    const messages: string[] = []
    for await (const { message } of this.store.check()) messages.push(message)
    return messages
  }

  async close(): Promise<void> {
    const open = this.#open!
    const call = this.#asked(open)
    try {
      await open.store.close()
      this.#note(open, { kind: 'acknowledged', call })
    } finally {
      this.letGo()
    }
  }

  async reopen(): Promise<void> {
    await this.close()
    await this.open()
  }

  /** The process ends at once; what it wrote is there for the next one and no more durable than it was. */
  kill(): void {
    this.#open!.fs.stop()
    for (const event of this.#disk.endChanges()) this.journal.push({ kind: 'disk', event })
    this.letGo()
  }

  /** The power goes, and a random part of what was not durable with it. */
  cut(): void {
    this.kill()
    const possible = [...choices(this.#disk, this.random, { subsets: 8, tears: 2 })]
    this.#disk = this.#disk.image(this.random.pick(possible))
    this.#steps = this.#steps.slice(0, this.random.below(this.#steps.length + 1))
    this.journal.push({ kind: 'reset', disk: this.#disk.fork(), steps: [...this.#steps] })
  }

  /** The index forgets all that it was told after its first `count` steps. */
  forgetIndex(count: number): void {
    this.#steps.splice(count)
    this.journal.push({ kind: 'reset', disk: this.#disk.fork(), steps: [...this.#steps] })
  }

  /** A chunk that there was not before, of random bytes. */
  chunk(size = 20): Chunk {
    const bytes = this.random.bytes(size)
    new DataView(bytes.buffer).setUint32(0, this.#chunkCount++)
    return chunkOf(bytes)
  }

  chunks(count: number, size = 20): Chunk[] {
    return Array.from({ length: count }, () => this.chunk(size))
  }

  /** A chunk that there was not before, and that refers to others. */
  parent(...children: readonly Chunk[]): Chunk {
    const refs = children.map(({ ref }) => ref)
    const chunk = chunkOf(encode(['node', this.#chunkCount++, ...refs]))
    this.#children.set(chunk.ref.toString(), refs.map(String))
    return chunk
  }

  /** Collects. From here on what no head leads to need not be there, unless it is put again. */
  async collect(): Promise<Collected> {
    const open = this.#open!
    this.#noteCollecting(open)
    this.#collections.add(open)
    try {
      return await open.store.collect({ childrenOf: childrenIn })
    } finally {
      this.#collections.delete(open)
    }
  }

  /** What heads lead to that are not being moved is kept. */
  #noteCollecting(open: Open): void {
    const kept = new Set<string>()
    const next = [...this.#heads].flatMap(([name, ref]) =>
      this.#moving.includes(name) ? [] : [ref.toString()],
    )
    for (let ref = next.pop(); ref !== undefined; ref = next.pop()) {
      kept.add(ref)
      next.push(...(this.#children.get(ref) ?? []))
    }
    this.#collectingNotes++
    this.#note(open, { kind: 'collecting', kept })
  }

  async put(...chunks: readonly Chunk[]): Promise<void> {
    await this.#put(this.#open!, chunks)
  }

  async flush(): Promise<void> {
    const open = this.#open!
    const call = this.#asked(open)
    await open.store.flush()
    this.#note(open, { kind: 'acknowledged', call })
  }

  /** Puts a chunk and makes a head name it. */
  async set(name: string, chunk = this.chunk()): Promise<void> {
    const open = this.#open!
    await this.#put(open, [chunk])
    await this.#move(open, name, this.#heads.get(name), chunk.ref)
  }

  async remove(name: string): Promise<void> {
    await this.#move(this.#open!, name, this.#heads.get(name), undefined)
  }

  /** Moves a head; false where it is not what was expected. */
  move(name: string, expected: Ref | undefined, next: Ref | undefined): Promise<boolean> {
    return this.#move(this.#open!, name, expected, next)
  }

  async #put(open: Open, chunks: readonly Chunk[]): Promise<void> {
    const begun = this.#collectingNotes
    await open.store.put(chunks)
    // Of what was found before, nobody promises that it stays until a head names it.
    if (begun === this.#collectingNotes)
      this.#note(open, { kind: 'put', refs: chunks.map(({ ref }) => ref.toString()) })
  }

  async #move(open: Open, name: string, expected: Ref | undefined, next: Ref | undefined): Promise<boolean> {
    this.#moving.push(name)
    try {
      // What it names until now may go as soon as it has moved.
      if (this.#collections.has(open)) this.#noteCollecting(open)
      return await this.#moveHead(open, name, expected, next)
    } finally {
      this.#moving.splice(this.#moving.indexOf(name), 1)
    }
  }

  async #moveHead(
    open: Open,
    name: string,
    expected: Ref | undefined,
    next: Ref | undefined,
  ): Promise<boolean> {
    const call = this.#asked(open, [name, next?.toString()])
    try {
      await open.store.heads.compareAndSet(name, expected, next)
    } catch (error) {
      if (!(error instanceof HeadConflictError)) throw error
      this.#note(open, { kind: 'refused', call, actual: error.actual })
      return false
    }
    this.#note(open, { kind: 'acknowledged', call })
    if (this.#open === open) {
      if (next === undefined) this.#heads.delete(name)
      else this.#heads.set(name, next)
    }
    await this.#checkShown(open, name, call)
    return true
  }

  /** A head that has been acknowledged shows what it was set to then, or later. */
  async #checkShown(open: Open, name: string, call: number): Promise<void> {
    const shown = await open.store.heads.get(name).catch((error: unknown) => {
      if (error instanceof NomsyError && error.code === 'NOMSY_CLOSED') return CLOSED
      throw error
    })
    if (typeof shown === 'symbol') return
    const allowed = this.journal.flatMap((entry) =>
      entry.kind === 'note' && entry.note.kind === 'asked' && entry.note.call >= call
        ? [entry.note.head]
        : [],
    )
    if (allowed.some((head) => head?.[0] === name && head[1] === shown?.toString())) return
    throw new Error(`head ${name} shows ${shown} after it was set to something else`)
  }

  #asked(open: Open, head?: readonly [string, HeadValue]): number {
    const call = this.#callCount++
    this.#note(open, head === undefined ? { kind: 'asked', call } : { kind: 'asked', call, head })
    return call
  }

  /** Forgets the store that is open. */
  letGo(): void {
    this.#operationCount += this.#open?.fs.operationCount ?? 0
    this.#open = undefined
  }

  /** What a process does after its end is not heard. */
  #note(open: Open, note: Note): void {
    if (this.#open === open) this.journal.push({ kind: 'note', note })
  }
}

/** What a reader that takes no lock and has no index finds; undefined where there is no store. */
export async function readOnlyContents(disk: Disk, path: string): Promise<Contents | undefined> {
  const store = await SegmentStore.open(path, { readOnly: true, fileSystem: new CrashFs({ disk }) }).catch(
    (error: unknown) => {
      if (error instanceof NomsyError && error.code === 'NOMSY_NO_STORE') return undefined
      throw error
    },
  )
  if (store === undefined) return undefined
  for await (const { message } of store.check()) throw new Error(message)
  const contents = await contentsOf(store)
  await store.close()
  return contents
}

/** What `store` holds, every chunk read and held against its ref. */
export async function contentsOf(store: ChunkStore): Promise<Contents> {
  const refs: Ref[] = []
  for await (const ref of store.refs()) refs.push(ref)
  const chunks = await store.getMany(refs)
  for (const [index, ref] of refs.entries()) {
    const bytes = chunks[index]
    if (bytes === undefined || !Ref.of(bytes).equals(ref)) throw new Error(`chunk ${ref} cannot be read`)
  }
  const texts = new Set(refs.map(String))
  for (const [index, ref] of refs.entries()) {
    for (const child of childrenIn({ ref, bytes: chunks[index]! }).refs) {
      if (!texts.has(child.toString())) throw new Error(`chunk ${ref} is there without ${child} under it`)
    }
  }
  const heads = new Map<string, string>()
  for await (const { name, ref } of store.heads.list()) heads.set(name, ref.toString())
  return { heads, refs: texts }
}
