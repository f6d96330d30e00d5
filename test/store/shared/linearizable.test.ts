/** C2: heads are linearizable across processes, while owners come and go. */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { build } from '../../crash/built.js'
import { type HeadCall, isLinearizable } from './linearizable.js'
import { countedIds, ownerOf } from './processes.js'

const { NOMSY_TORTURE } = process.env
const HISTORIES = 200
const ROUNDS = NOMSY_TORTURE === '1' ? 100 : 1
const STEPS = 6

const PROGRAM = fileURLToPath(new URL('history-child.mjs', import.meta.url))

test('the checker accepts what can be and refuses what cannot', () => {
  const read = (start: number, end: number, value: string | null): HeadCall => ({
    start,
    end,
    call: 'read',
    answer: 'is',
    value,
  })
  const move = (
    start: number,
    end: number,
    expected: string | null,
    next: string,
    answer: HeadCall['answer'] = 'is',
    value: string | null = next,
  ): HeadCall => ({ start, end, call: { expected, next }, answer, value })
  expect(isLinearizable([move(0, 1, null, 'a'), read(2, 3, 'a')])).toBe(true)
  expect(isLinearizable([move(0, 5, null, 'a'), read(1, 2, null), read(3, 4, 'a')])).toBe(true)
  expect(isLinearizable([move(0, Infinity, null, 'a', 'none'), read(1, 2, null), read(3, 4, 'a')])).toBe(true)
  expect(isLinearizable([move(0, 3, null, 'a', 'uncertain', 'b'), move(1, 2, 'a', 'b')])).toBe(true)
  // A lost update, a stale read, a read of what was taken back, a conflict with nobody.
  expect(isLinearizable([move(0, 1, null, 'a'), move(0, 1, null, 'b')])).toBe(false)
  expect(isLinearizable([move(0, 1, null, 'a'), read(2, 3, null)])).toBe(false)
  expect(isLinearizable([move(0, 9, null, 'a'), read(1, 2, 'a'), read(3, 4, null)])).toBe(false)
  expect(isLinearizable([move(0, 1, null, 'a', 'conflict', null)])).toBe(false)
  expect(isLinearizable([move(0, 1, null, 'a'), move(2, 3, 'a', 'b', 'conflict', 'a')])).toBe(false)
})

test('histories of heads in four processes, of which owners are killed, are linearizable', async () => {
  const built = await build()
  const directory = await mkdtemp(join(tmpdir(), 'nomsy-history-'))
  try {
    let callCount = 0
    let unanswered = 0
    let uncertain = 0
    let kills = 0
    for (let round = 0; round < ROUNDS; round++) {
      const path = join(directory, `store-${round}`)
      const { histories, ownerKills } = await record(built.path, path)
      kills += ownerKills
      for (const history of histories) {
        callCount += history.length
        unanswered += history.filter(({ answer }) => answer === 'none').length
        uncertain += history.filter(({ answer }) => answer === 'uncertain').length
        expect(isLinearizable(history), JSON.stringify(history)).toBe(true)
      }
      await countedIds(path)
      await rm(path, { recursive: true })
    }
    console.log(
      `histories: ${ROUNDS * HISTORIES} of ${callCount} calls, ${unanswered} without an answer, ${uncertain} uncertain, ` +
        `${kills} owners killed, 0 violations`,
    )
    expect(kills).toBeGreaterThan(0)
    expect(callCount).toBeGreaterThan(ROUNDS * HISTORIES * STEPS)
  } finally {
    await built.remove()
    await rm(directory, { recursive: true, force: true })
  }
})

interface Recording {
  /** Of each head. */
  readonly histories: readonly HeadCall[][]
  readonly ownerKills: number
}

async function record(sources: string, path: string): Promise<Recording> {
  const children = ['a', 'b', 'c', 'd'].map((name) => {
    const args = [PROGRAM, sources, path, name, String(HISTORIES), String(STEPS)]
    const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] })
    const exit = once(child, 'close')
    let text = ''
    child.stdout.setEncoding('utf8').on('data', (part: string) => {
      text += part
    })
    child.stdin.on('error', () => {})
    return { child, exit, lines: () => text.split('\n').slice(0, -1) }
  })
  const lineCount = (): number => children.reduce((sum, { lines }) => sum + lines().length, 0)
  while (!children.every(({ lines }) => lines().includes('ready'))) await sleep(5)
  for (const { child } of children) child.stdin.write('go\n')
  const total = children.length * HISTORIES * STEPS * 2
  let ownerKills = 0
  // Two of the four, each while it owns the store and there is much to do.
  for (const share of [0.2, 0.5]) {
    while (lineCount() < share * total) await sleep(2)
    const owner = children.find(({ child }) => child.pid === ownerOf(path) && child.exitCode === null)
    if (owner?.child.kill('SIGKILL')) ownerKills++
    await owner?.exit
  }
  const codes = await Promise.all(children.map(({ exit }) => exit))
  for (const [code] of codes) expect([0, null]).toContain(code)
  return { histories: historiesOf(children.map(({ lines }) => lines())), ownerKills }
}

type Line = [head: number, step: number, time: number, what: string, ...refs: (string | null)[]]

function historiesOf(processes: readonly (readonly string[])[]): HeadCall[][] {
  const histories = Array.from({ length: HISTORIES }, (): HeadCall[] => [])
  for (const lines of processes) {
    const begun = new Map<string, Line>()
    const said = lines.filter((line) => line.startsWith('[')).map((line) => JSON.parse(line) as Line)
    for (const line of said) {
      const key = `${line[0]} ${line[1]}`
      const start = begun.get(key)
      if (start === undefined) begun.set(key, line)
      else {
        const [, , end, answer, value] = line
        histories[line[0]]!.push(callOf(start, end, answer as HeadCall['answer'], value!))
        begun.delete(key)
      }
    }
    for (const start of begun.values()) histories[start[0]]!.push(callOf(start, Infinity, 'none', null))
  }
  return histories
}

function callOf(
  [, , start, what, expected, next]: Line,
  end: number,
  answer: HeadCall['answer'],
  value: string | null,
): HeadCall {
  return { start, end, answer, value, call: what === 'read' ? 'read' : { expected: expected!, next: next! } }
}
