/** The README's examples of collections and directories do what they say. */

import { readFileSync } from 'node:fs'
import { ScriptTarget, transpile } from 'typescript'
import { expect, test } from 'vitest'
import { Database } from '../src/database/database.js'
import { MemoryStore } from '../src/store/memory-store.js'

type Example = (db: Database, console: { log(...values: unknown[]): void }) => Promise<void>

/** The program under a heading of the README. */
function exampleUnder(heading: string): Example {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
  const [, code] = readme.split(`### ${heading}\n`)[1]!.match(/```ts\n(.*?)```/s)!
  const AsyncFunction = (async () => {}).constructor as new (...texts: string[]) => Example
  return new AsyncFunction('db', 'console', transpile(code!, { target: ScriptTarget.ES2022 }))
}

test('the example of collections', async () => {
  const lines: unknown[][] = []
  await exampleUnder('Collections')(new Database(new MemoryStore()), {
    log: (...values) => void lines.push(values),
  })
  expect(lines).toEqual([
    [{ born: 1815 }, 2],
    ['grace', 1906],
    ['removed', 'alan'],
    ['added', 'grace'],
    [['ada', { born: 1816 }]],
    ['stopped'],
    ['went on'],
    ['paused'],
    [true, ['blue', 7]],
    [true],
  ])
})

test('the example of directories', async () => {
  const lines: unknown[][] = []
  await exampleUnder('Directories')(new Database(new MemoryStore()), {
    log: (...values) => void lines.push(values),
  })
  expect(lines).toEqual([
    [3, 1],
    ['latest', 'symlink'],
    ['2026', 'dir'],
    ['2026/cat.jpg', 'file'],
    ['added', 'cats'],
    ['renamed', 'cats/first.jpg'],
  ])
})
