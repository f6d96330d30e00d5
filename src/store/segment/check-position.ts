/**
 * How far a check of all data has come, kept in `state/check`, so that one that was interrupted can go on: the place in
 * the log, and the chunks found damaged before it.
 */

import { Ref } from '../../hash/ref.js'
import type { FileSystem } from './file-system.js'
import type { LogPosition } from './place.js'
import { readState, writeState } from './state-files.js'
import { isSystemError } from './store-format.js'

const FILE = 'check'

/** Between two writes of the position. */
const WRITE_MS = 2000

/** Damaged chunks that are kept at most: of more, heads are told of those found later. */
const MAX_REFS = 100_000

export class CheckPosition {
  readonly #fs: FileSystem
  readonly #path: string
  readonly #damaged: Ref[] = []
  #writtenMs = performance.now()
  /** The last place reached, and the one from which on something found has not been told yet. */
  #reached: LogPosition | undefined
  #held: LogPosition | undefined

  constructor(fs: FileSystem, path: string) {
    this.#fs = fs
    this.#path = path
  }

  /** Where an interrupted check left off; undefined where none did. What it found goes on being kept. */
  async resume(): Promise<{ readonly position: LogPosition; readonly damaged: readonly Ref[] } | undefined> {
    const state = (await readState(this.#fs, this.#path, FILE)) as Partial<CheckState> | undefined
    const { segment, offset, damaged } = state ?? {}
    if (!Number.isSafeInteger(segment) || !Number.isSafeInteger(offset) || !Array.isArray(damaged))
      return undefined
    this.found(damaged.flatMap((text) => (typeof text === 'string' ? (Ref.parse(text) ?? []) : [])))
    return { position: { segment: segment!, offset: offset! }, damaged: [...this.#damaged] }
  }

  /** Chunks found damaged. */
  found(refs: readonly Ref[]): void {
    this.#damaged.push(...refs.slice(0, MAX_REFS - this.#damaged.length))
  }

  /** Everything before `position` has been checked; written now and then. */
  async reached(position: LogPosition): Promise<void> {
    this.#reached = position
    if (performance.now() - this.#writtenMs < WRITE_MS) return
    await this.write()
  }

  /** What is found from `position` on is told later; whoever goes on is to do so from there. */
  holdAt(position: LogPosition | undefined): void {
    this.#held = position
  }

  /** Writes where whoever goes on is to do so. */
  async write(): Promise<void> {
    const position = this.#held ?? this.#reached
    if (position === undefined) return
    const { segment, offset } = position
    const damaged = this.#damaged.map(String)
    await this.#replace({ segment, offset, damaged })
    this.#writtenMs = performance.now()
  }

  /** Everything has been checked. */
  async end(): Promise<void> {
    await this.#replace(undefined)
  }

  /** A disk that is full, or cannot be written, keeps nobody from checking what is on it. */
  async #replace(state: CheckState | undefined): Promise<void> {
    await writeState(this.#fs, this.#path, FILE, state).catch((error: unknown) => {
      if (!isSystemError(error)) throw error
    })
  }
}

interface CheckState {
  readonly segment: number
  readonly offset: number
  readonly damaged: readonly string[]
}
