/** Standard output: data and lines, at the pace of whoever reads them. */

import { abortable } from './abortable.js'
import { ClosedOutputError, failureAt } from './failure.js'

/** Characters of text that gather before they are written. */
const GATHERED_CHARS = 64 * 1024

const LINE_END = Uint8Array.of(0x0a)

export class Output {
  readonly #stream: NodeJS.WriteStream
  readonly #signal: AbortSignal
  #text = ''
  /** What comes before the text. */
  #gathered: Uint8Array[] = []
  #gatheredBytes = 0

  constructor(stream: NodeJS.WriteStream, signal: AbortSignal) {
    this.#stream = stream
    this.#signal = signal
    // Each write's own promise rejects; without a listener the program would end here instead.
    stream.on('error', () => {})
  }

  /** Writes bytes; resolves when they are gone, and until then they must not change. */
  async write(bytes: Uint8Array | string): Promise<void> {
    const written = new Promise<void>((resolve, reject) => {
      this.#stream.write(bytes, (error) => (error ? reject(asOutputError(error)) : resolve()))
    })
    // The stop signal may win, and then nobody waits for the write any more.
    written.catch(() => {})
    await abortable(written, this.#signal)
  }

  /** Adds a line, which is written by and by and no later than at {@link flush}. Bytes, which it keeps, are written as they are. */
  async line(line: string | Uint8Array): Promise<void> {
    if (typeof line === 'string') {
      this.#text += `${line}\n`
      if (this.#text.length + this.#gatheredBytes >= GATHERED_CHARS) await this.flush()
      return
    }
    this.#gathered.push(Buffer.from(this.#text), line, LINE_END)
    this.#gatheredBytes += this.#text.length + line.length
    this.#text = ''
    if (this.#gatheredBytes >= GATHERED_CHARS) await this.flush()
  }

  /** Writes the lines that have gathered. */
  async flush(): Promise<void> {
    const [text, gathered] = [this.#text, this.#gathered]
    this.#text = ''
    this.#gathered = []
    this.#gatheredBytes = 0
    if (gathered.length > 0) await this.write(Buffer.concat([...gathered, Buffer.from(text)]))
    else if (text !== '') await this.write(text)
  }

  /** Writes a line at once, about work that goes on even where nobody reads of it. */
  async report(text: string): Promise<void> {
    try {
      await this.line(text)
      await this.flush()
    } catch (error) {
      if (!(error instanceof ClosedOutputError)) throw error
    }
  }
}

function asOutputError(error: Error & { readonly code?: string }): unknown {
  const isClosed = error.code === 'EPIPE' || error.code === 'ERR_STREAM_DESTROYED'
  return isClosed ? new ClosedOutputError(error.message) : failureAt('standard output', error)
}
