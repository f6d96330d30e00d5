/**
 * The progress of long work, on standard error: how much, how fast, how long still. Appears only once the work has
 * gone on for a while, and goes away when it ends.
 */

import type { SingleBar } from 'cli-progress'
import { printable } from './printable.js'
import type { formatSize } from './size.js'

/** Work shorter than this shows nothing. */
const DELAY_MS = 500

const BAR_CHARS = 24

/** What is drawn with: loaded once there is something to draw. */
interface Drawing {
  readonly bar: SingleBar
  readonly formatSize: typeof formatSize
}

export class Progress {
  readonly #label: string
  readonly #startMs = performance.now()
  #totalBytes: number | undefined
  #doneBytes = 0
  /** Bytes of chunks that the store did not have; undefined where nothing is stored. */
  #newBytes: number | undefined
  #timer: NodeJS.Timeout | undefined
  #drawing: Drawing | undefined
  #hasEnded = false

  /** `totalBytes`: where it is known. Shows nothing at all unless `isShown`. */
  constructor(label: string, totalBytes: number | undefined, isShown: boolean) {
    this.#label = printable(label)
    this.#totalBytes = totalBytes
    if (isShown) this.#timer = setTimeout(() => void this.#show(), DELAY_MS)
  }

  /** Counts bytes done since the last call. A function of its own, to be handed on. */
  readonly add = (bytes: number, totalBytes = 0): void => {
    this.#doneBytes += bytes
    if (totalBytes > 0) this.#totalBytes = totalBytes
    this.#drawing?.bar.update(this.#doneBytes)
  }

  /** Counts bytes stored since the last call, and those of them that were new. A function of its own too. */
  readonly addStored = (bytes: number, newBytes: number): void => {
    this.#newBytes = (this.#newBytes ?? 0) + newBytes
    this.add(bytes)
  }

  /** Bytes of chunks that the store did not have. */
  get newBytes(): number {
    return this.#newBytes ?? 0
  }

  /** Ends the work: the line is cleared. */
  end(): void {
    this.#hasEnded = true
    clearTimeout(this.#timer)
    this.#drawing?.bar.stop()
    this.#drawing = undefined
  }

  [Symbol.dispose](): void {
    this.end()
  }

  async #show(): Promise<void> {
    const [{ default: progress }, { formatSize }] = await Promise.all([
      import('cli-progress'),
      import('./size.js'),
    ])
    if (this.#hasEnded) return
    const bar = new progress.SingleBar({
      format: () => this.#line(formatSize),
      stream: process.stderr,
      clearOnComplete: true,
      hideCursor: null,
      // The program has its own answer to signals.
      gracefulExit: false,
      fps: 5,
    })
    bar.start(this.#totalBytes ?? 0, this.#doneBytes)
    this.#drawing = { bar, formatSize }
  }

  #line(format: typeof formatSize): string {
    const seconds = (performance.now() - this.#startMs) / 1000
    const rate = this.#doneBytes / seconds
    const words = [format(this.#doneBytes), `${format(rate)}/s`]
    if (this.#newBytes !== undefined && this.#doneBytes > 0) {
      const known = Math.max(0, 1 - this.#newBytes / this.#doneBytes)
      words.push(`${Math.floor(known * 100)}% known already`)
    }
    const total = this.#totalBytes
    if (!total) return `${this.#label} ${words.join(', ')}`
    const part = Math.min(this.#doneBytes / total, 1)
    if (rate > 0) words.push(`${formatSeconds((total * (1 - part)) / rate)} left`)
    const full = Math.floor(part * BAR_CHARS)
    const bar = '='.repeat(full).padEnd(BAR_CHARS, '-')
    return `${this.#label} [${bar}] ${Math.floor(part * 100)}% of ${format(total)}, ${words.slice(1).join(', ')}`
  }
}

function formatSeconds(seconds: number): string {
  const whole = Math.ceil(seconds)
  if (whole < 60) return `${whole} s`
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`
}
