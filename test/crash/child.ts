/** Processes that work on a segment store and are killed. */

import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Readable, Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'

const PROGRAM = fileURLToPath(new URL('store-child.mjs', import.meta.url))

export class StoreChild {
  readonly #process: ChildProcessByStdio<Writable, Readable, Readable>
  readonly #exit: Promise<unknown>
  readonly #ready: Promise<void>
  #text = ''
  #errors = ''
  /** Told of each line that it says, as it comes. */
  onLine: (line: string) => void = () => {}

  /** Starts a process that will work on the store at `path`; `mode` as store-child.mjs has it, `env` in its environment. */
  constructor(sources: string, path: string, mode?: string, env: NodeJS.ProcessEnv = {}) {
    this.#process = spawn(process.execPath, [PROGRAM, sources, path, ...(mode === undefined ? [] : [mode])], {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...process.env, ...env },
    })
    this.#exit = once(this.#process, 'close')
    this.#process.stdin.on('error', () => {})
    this.#process.stdout.setEncoding('utf8').on('data', (text: string) => {
      const before = this.#lines.length
      this.#text += text
      for (const line of this.#lines.slice(before)) this.onLine(line)
    })
    this.#process.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#errors += text
    })
    this.#ready = this.says('ready')
    this.#ready.catch(() => {})
  }

  get pid(): number {
    return this.#process.pid!
  }

  /** Lets it open the store. */
  async go(): Promise<void> {
    await this.#ready
    this.#process.stdin.write('go\n')
  }

  /** Resolves once it has said `word`; rejects where it ends before. */
  async says(word: string): Promise<void> {
    while (!this.#lines.includes(word)) {
      const event = await Promise.race([once(this.#process.stdout, 'data'), this.#exit.then(() => undefined)])
      if (event === undefined && !this.#lines.includes(word))
        throw new Error(`the process ended before it said '${word}': ${this.#text}${this.#errors}`)
    }
  }

  /** Kills it. All that it has said, but for a line that it did not finish, and the code and words that it ended with. */
  async kill(): Promise<{
    readonly lines: readonly string[]
    readonly code: number | null
    readonly errors: string
  }> {
    this.#process.kill('SIGKILL')
    await this.#exit
    return { lines: this.#lines, code: this.#process.exitCode, errors: this.#errors }
  }

  get #lines(): string[] {
    return this.#text.split('\n').slice(0, -1)
  }
}
