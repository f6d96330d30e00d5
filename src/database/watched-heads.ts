/**
 * Heads that can be watched. Whoever moves one through here is noticed at once; whoever moves one otherwise, such as
 * another process, is noticed by looking, once a second. Stores have nothing better to offer.
 */

import { NomsyError } from '../errors.js'
import type { Ref } from '../hash/ref.js'
import type { Head, Heads } from '../store/chunk-store.js'

/** Time between two looks at a watched head. */
const POLL_MS = 1000

export interface WatchOptions {
  /** Ends the watch. */
  readonly signal?: AbortSignal | undefined
}

export class WatchedHeads implements Heads {
  readonly #heads: Heads
  readonly #watches = new Set<Alarm>()

  constructor(heads: Heads) {
    this.#heads = heads
  }

  get(name: string): Promise<Ref | undefined> {
    return this.#heads.get(name)
  }

  list(prefix?: string): AsyncIterable<Head> {
    return this.#heads.list(prefix)
  }

  async compareAndSet(name: string, expected: Ref | undefined, next: Ref | undefined): Promise<void> {
    await this.#heads.compareAndSet(name, expected, next)
    this.lookAgain()
  }

  /** Has all watches look at their heads now. */
  lookAgain(): void {
    for (const alarm of this.#watches) alarm.ring()
  }

  /** What the head is, and what it becomes. See Database.watch. */
  watch(name: string, { signal }: WatchOptions = {}): AsyncGenerator<Ref | undefined> {
    const alarm = new Alarm()
    const ended = new AbortController()
    const refs = this.#refsOf(name, alarm, signal ? AbortSignal.any([signal, ended.signal]) : ended.signal)
    // A generator that waits would go on waiting; whoever ends the watch is not to.
    const { return: end } = refs
    refs.return = (value) => {
      ended.abort()
      return end.call(refs, value)
    }
    return refs
  }

  async *#refsOf(name: string, alarm: Alarm, signal: AbortSignal): AsyncGenerator<Ref | undefined> {
    const ring = (): void => alarm.ring()
    this.#watches.add(alarm)
    signal.addEventListener('abort', ring)
    try {
      let isFirst = true
      let last: Ref | undefined
      for (;;) {
        const ref = await this.#heads.get(name)
        if (signal.aborted) return
        if (isFirst || ref?.toString() !== last?.toString()) yield ref
        else await alarm.wait(POLL_MS)
        isFirst = false
        last = ref
      }
    } catch (error) {
      if (!(error instanceof NomsyError) || error.code !== 'NOMSY_CLOSED') throw error
    } finally {
      this.#watches.delete(alarm)
      signal.removeEventListener('abort', ring)
    }
  }
}

/** Wakes one who waits, at once if it rang before. */
class Alarm {
  #isRinging = false
  #wake = (): void => {}

  ring(): void {
    this.#isRinging = true
    this.#wake()
  }

  /** Resolves when it rings, or after `ms`. */
  async wait(ms: number): Promise<void> {
    if (!this.#isRinging) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, ms)
        this.#wake = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
    this.#isRinging = false
  }
}
