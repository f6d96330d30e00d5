/**
 * Iterates over decoded items, leaf by leaf. Written by hand and not as an async generator: an item of a leaf that is
 * at hand needs no turn of a generator's (bench/collections.ts).
 */

import type { LeafRun } from '../sequence/leaves.js'
import { itemReader, type ReadItem } from './read-item.js'

export class ItemIterator<T> implements AsyncIterableIterator<T, undefined> {
  readonly #runs: AsyncGenerator<LeafRun>
  readonly #read: ReadItem<T>
  readonly #step: 1 | -1
  /** The leaf at hand, which item of it comes next, and how many are left. */
  #run: LeafRun | undefined
  #reader = itemReader(new Uint8Array(0))
  #index = 0
  #left = 0
  /** Calls that wait for a leaf, and the last of them. */
  #waitingCount = 0
  #lastWaiting: Promise<unknown> = Promise.resolve()

  /** Over the items of `runs`; in each run from its end, if `reverse` is set. */
  constructor(runs: AsyncGenerator<LeafRun>, read: ReadItem<T>, reverse = false) {
    this.#runs = runs
    this.#read = read
    this.#step = reverse ? -1 : 1
  }

  next(): Promise<IteratorResult<T, undefined>> {
    if (this.#left > 0 && this.#waitingCount === 0) return Promise.resolve(this.#take())
    const result = this.#lastWaiting.then(() => this.#nextOfLeaves())
    const settled = (): void => {
      this.#waitingCount--
    }
    this.#waitingCount++
    this.#lastWaiting = result.then(settled, settled)
    return result
  }

  async return(): Promise<IteratorResult<T, undefined>> {
    this.#left = 0
    await this.#runs.return(undefined)
    return { done: true, value: undefined }
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async #nextOfLeaves(): Promise<IteratorResult<T, undefined>> {
    while (this.#left === 0) {
      const next = await this.#runs.next()
      if (next.done === true) return { done: true, value: undefined }
      this.#open(next.value)
    }
    return this.#take()
  }

  #open(run: LeafRun): void {
    this.#run = run
    this.#reader = itemReader(run.leaf.items)
    this.#index = this.#step > 0 ? run.from : run.to - 1
    this.#left = run.to - run.from
  }

  #take(): IteratorResult<T, undefined> {
    this.#reader.seek(this.#run!.leaf.offsetOf(this.#index))
    this.#index += this.#step
    this.#left--
    return { done: false, value: this.#read(this.#reader) }
  }
}
