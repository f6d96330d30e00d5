/** Processes that count in one store, and whether what they were told is there in the end. */

import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { expect } from 'vitest'
import { Database } from '../../../src/database/database.js'
import { decode } from '../../../src/encoding/decode.js'
import type { Ref } from '../../../src/hash/ref.js'
import { SharedStore } from '../../../src/store/shared/shared-store.js'

const PROGRAM = fileURLToPath(new URL('shared-child.mjs', import.meta.url))

export interface Work {
  readonly clients: number
  readonly steps: number
  readonly counters: number
}

export class SharedChild {
  readonly #process: ChildProcessByStdio<Writable, Readable, null>
  readonly #exit: Promise<unknown>
  #text = ''

  constructor(sources: string, path: string, name: string, { clients, steps, counters }: Work) {
    const args = [PROGRAM, sources, path, name, ...[clients, steps, counters].map(String)]
    this.#process = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] })
    this.#exit = once(this.#process, 'close')
    this.#process.stdin.on('error', () => {})
    this.#process.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.#text += text
    })
  }

  get pid(): number {
    return this.#process.pid!
  }

  get exitCode(): number | null {
    return this.#process.exitCode
  }

  /** What it has said, but for a line that it did not finish. */
  get lines(): string[] {
    return this.#text.split('\n').slice(0, -1)
  }

  /** IDs of the increments that it was told are done. */
  get acknowledged(): string[] {
    return this.lines.filter((line) => line.startsWith('=')).map((line) => line.slice(1))
  }

  /** IDs of the increments that it began. */
  get tried(): Set<string> {
    return new Set(this.lines.flatMap((line) => (line.startsWith('+') ? [line.slice(1)] : [])))
  }

  /** How often it has said that it read something. */
  get readCount(): number {
    return this.lines.filter((line) => line === 'read').length
  }

  /** Lets it go on: open the store, and later close it. */
  go(): void {
    this.#process.stdin.write('go\n')
  }

  /** Resolves once it has said `word`; rejects where it ends before. */
  async says(word: string): Promise<void> {
    while (!this.#text.includes(`${word}\n`)) {
      const event = await Promise.race([once(this.#process.stdout, 'data'), this.#exit.then(() => undefined)])
      if (event === undefined && !this.#text.includes(`${word}\n`))
        throw new Error(`${this.pid} ended before it said '${word}', with ${this.#process.exitCode}`)
    }
  }

  async kill(): Promise<void> {
    this.#process.kill('SIGKILL')
    await this.#exit
  }

  async ends(): Promise<void> {
    await this.#exit
  }
}

/** The process that owns the store at `path`, if it says so. */
export function ownerOf(path: string): number | undefined {
  try {
    return (JSON.parse(readFileSync(join(path, 'owner'), 'utf8')) as { pid: number }).pid
  } catch {
    return undefined
  }
}

/** The IDs in all chains of the store, which must be whole; each stands there once. Checks the store in full. */
export async function countedIds(path: string): Promise<Set<string>> {
  const store = await SharedStore.open(path, { create: false })
  const ids = new Set<string>()
  for await (const { ref } of store.heads.list('counter/')) {
    let at: Ref | null = ref
    for (let count: number | undefined; at !== null; ) {
      const [number, id, before] = decode((await store.get(at))!) as [number, string, Ref | null]
      if (count !== undefined) expect(number).toBe(count - 1)
      expect(ids.has(id), `${id} stands there twice`).toBe(false)
      ids.add(id)
      count = number
      at = before
      if (at === null) expect(number).toBe(1)
    }
  }
  for await (const { message } of new Database(store).check()) expect.unreachable(message)
  await store.close()
  return ids
}
