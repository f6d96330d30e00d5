/**
 * D2: every operation of the file system fails, once and for ever, in every way. What comes of it is an error of
 * nomsy's or success; what was acknowledged stays; and a store of which a write or sync has failed acknowledges
 * nothing any more.
 */

import { describe, expect, test } from 'vitest'
import { NomsyError } from '../../src/errors.js'
import { seed } from '../seed.js'
import { systemError } from './crash-fs.js'
import { faultyFs, type Operation } from './faulty-fs.js'
import { Random } from './random.js'
import { contentsOf, Scene } from './scene.js'
import { lastPoint } from './sweep.js'

const CODES = ['EIO', 'ENOSPC', 'EDQUOT', 'EROFS', 'EMFILE', 'EINTR'] as const

/** Besides errors: a write that takes half of what it is given, and for control one that says it took all. */
type Fault = (typeof CODES)[number] | 'short write' | 'false write'
const FAULTS: readonly Fault[] = [...CODES, 'short write']
const isOfWrites = (fault: Fault): boolean => fault === 'short write' || fault === 'false write'

interface Case {
  readonly title: string
  readonly segmentBytes?: number
  /** Whether closing may succeed after a failure: what fails is not what somebody put. */
  readonly mayClose?: boolean
  readonly run: (scene: Scene) => Promise<void>
}

const cases: readonly Case[] = [
  {
    title: 'a new store',
    run: async (scene) => {
      await scene.open()
      await scene.set('head', scene.chunk(600))
      await scene.put(...scene.chunks(3, 300))
      await scene.flush()
      await scene.reopen()
      await scene.set('head')
      await scene.remove('head')
      await scene.check()
      await scene.close()
    },
  },
  {
    title: 'several segments',
    segmentBytes: 700,
    run: async (scene) => {
      await scene.open()
      for (let count = 0; count < 3; count++) await scene.set('head', scene.chunk(400))
      await Promise.all([0, 1, 2].map((index) => scene.set(`head/${index}`, scene.chunk(300))))
      await scene.check()
      await scene.close()
    },
  },
  {
    title: 'a collection',
    segmentBytes: 900,
    mayClose: true,
    run: async (scene) => {
      await scene.open()
      for (const name of ['kept', 'removed', 'other']) {
        const leaf = scene.chunk(300)
        await scene.put(leaf)
        await scene.set(name, scene.parent(leaf))
      }
      await scene.remove('removed')
      await scene.collect()
      await scene.set('head')
      await scene.close()
    },
  },
  {
    title: 'a recovery',
    segmentBytes: 1500,
    run: async (scene) => {
      await scene.open()
      for (let count = 0; count < 3; count++) await scene.set('head', scene.chunk(700))
      const calls = Promise.all([scene.set('head', scene.chunk(800)), scene.flush()])
      calls.catch(() => {})
      for (let turns = 25; turns > 0; turns--) await undefined
      scene.cut()
      await calls.catch(() => {})
      scene.forgetIndex(0)
      await scene.open()
      await scene.set('head')
      await scene.close()
    },
  },
]

interface Counts {
  runs: number
  hits: number
  refusals: number
}

describe('an operation of the file system that fails', () => {
  test.each(cases)('in $title: loses nothing that was acknowledged', async (each) => {
    const { operationCount } = await run(each, undefined)
    const counts: Counts = { runs: 0, hits: 0, refusals: 0 }
    const problems: string[] = []
    for (const fault of FAULTS) {
      for (const isForEver of [false, true]) {
        for (let at = 0; at < operationCount; at++) {
          const outcome = await run(each, { fault, isForEver, at })
          counts.runs++
          counts.hits += outcome.hasFailed ? 1 : 0
          counts.refusals += outcome.isRefused ? 1 : 0
          const where = `${fault} ${isForEver ? 'for ever' : 'once'} at ${at}, ${outcome.failedAt}`
          problems.push(...outcome.problems.map((problem) => `${where}: ${problem}`))
        }
      }
    }
    const { runs, hits, refusals } = counts
    console.log(
      `faults in ${each.title}: ${operationCount} operations, ${runs} runs, ${hits} of them met the fault, ${refusals} were refused, ${problems.length} violations (seed ${seed})`,
    )
    expect(problems.slice(0, 10), `NOMSY_SEED=${seed}`).toEqual([])
    expect(hits).toBeGreaterThanOrEqual(operationCount * CODES.length * 2)
  })

  test('is noticed where it says that it did not', async () => {
    const { operationCount } = await run(cases[0]!, undefined)
    let problemCount = 0
    for (let at = 0; at < operationCount; at++)
      problemCount += (await run(cases[0]!, { fault: 'false write', isForEver: false, at })).problems.length
    console.log(`writes that fall short and say nothing: ${problemCount} violations`)
    expect(problemCount).toBeGreaterThan(0)
  })
})

interface Injection {
  readonly fault: Fault
  readonly isForEver: boolean
  readonly at: number
}

interface Outcome {
  readonly operationCount: number
  readonly hasFailed: boolean
  readonly isRefused: boolean
  readonly failedAt: string
  readonly problems: readonly string[]
}

/** Runs a case with one fault, reads what was acknowledged, opens the store again, and says what is wrong. */
async function run(each: Case, injection: Injection | undefined): Promise<Outcome> {
  const problems: string[] = []
  let operationCount = 0
  let failed: Operation | undefined
  /** Entries of the journal when the log could no longer be written to. */
  let poisonedAt: number | undefined
  let closedAt: number | undefined
  let isOver = false

  const fails = (operation: Operation): boolean => {
    const at = operationCount++
    if (injection === undefined || isOver) return false
    const isHit =
      (operation.name === 'file.write' || !isOfWrites(injection.fault)) &&
      (at === injection.at || (injection.isForEver && failed?.name === operation.name))
    if (isHit && !isOfWrites(injection.fault)) {
      if (failed !== undefined && operation.name === 'file.sync' && operation.handle === failed.handle)
        problems.push('a sync that failed was tried again')
      const isOfLog = ['file.write', 'file.sync'].includes(operation.name) && operation.path.endsWith('.seg')
      if (isOfLog) poisonedAt ??= scene.journal.length
    }
    if (isHit) failed ??= operation
    return isHit
  }
  let isShort = false
  let whole = 0
  const scene: Scene = new Scene({
    random: new Random(seed),
    segmentBytes: each.segmentBytes,
    wrap: (fs) =>
      faultyFs(fs, {
        around: async (operation, act) => {
          const isHit = fails(operation)
          isShort = isHit && isOfWrites(injection!.fault)
          if (isHit && !isShort) throw systemError(injection!.fault, operation.path)
          const result = await act()
          return isShort && injection!.fault === 'false write' ? (whole as never) : result
        },
        writtenBytes: (_, byteCount) => {
          whole = byteCount
          return isShort ? Math.ceil(byteCount / 2) : byteCount
        },
      }),
  })

  const expectTyped = (error: unknown): void => {
    if (error instanceof NomsyError) return
    problems.push(`not an error of nomsy's: ${error}`)
  }
  let isRefused = false
  await each.run(scene).catch((error: unknown) => {
    isRefused = true
    if (injection?.fault === 'short write') problems.push(`a short write was not gone on with: ${error}`)
    expectTyped(error)
  })
  if (scene.isOpen) {
    // A store that has failed refuses what comes next too; one that has not takes it.
    await scene.set('more').catch(expectTyped)
    if (failed === undefined || !injection?.isForEver || ['file.write', 'file.sync'].includes(failed.name))
      problems.push(...(await readingProblems(scene)))
    closedAt = scene.journal.length
    await scene.close().catch(expectTyped)
    scene.letGo()
  }
  isOver = true
  const end = each.mayClose === true ? closedAt : undefined
  const since = scene.journal.slice(poisonedAt ?? scene.journal.length, end)
  const next = since.findIndex((entry) => entry.kind === 'note' && entry.note.kind === 'opened')
  const untilOpened = next < 0 ? since : since.slice(0, next)
  if (untilOpened.some((entry) => entry.kind === 'note' && entry.note.kind === 'acknowledged'))
    problems.push('something was acknowledged after a write or sync had failed')

  const { disk, steps, ledger } = lastPoint(scene.journal)
  for (const left of [disk.fork(), disk.image(new Map())]) {
    const again = new Scene({ random: new Random(seed), disk: left, steps, maxTurns: 0 })
    try {
      await again.open()
      problems.push(...ledger.problems(await contentsOf(again.store)))
      for await (const { message } of again.store.check()) problems.push(message)
      await again.set('again')
      await again.close()
    } catch (error) {
      problems.push(`opened again: ${error}`)
    }
  }
  const failedAt = failed === undefined ? 'not met' : `${failed.name} of ${failed.path}`
  return { operationCount, hasFailed: failed !== undefined, isRefused, failedAt, problems }
}

/** What the open store does not show though it was acknowledged. */
async function readingProblems(scene: Scene): Promise<string[]> {
  try {
    const { ledger } = lastPoint(scene.journal)
    return ledger.problems(await contentsOf(scene.store)).map((problem) => `reading on: ${problem}`)
  } catch (error) {
    return [`reading on: ${error}`]
  }
}
