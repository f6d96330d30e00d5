/**
 * X1: whether the tests would notice. Bugs of the kind that lose data are planted, one at a time, in a copy of the
 * project; each must make the tests fail that are to catch it, and these pass without any. A bug that was once found by
 * other means is added here.
 */

import { execFile } from 'node:child_process'
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'

const run = promisify(execFile)
const ROOT = fileURLToPath(new URL('../..', import.meta.url))

interface Bug {
  readonly title: string
  readonly file: string
  /** What stands there once, and what stands there instead. */
  readonly right: string
  readonly wrong: string
  /** The tests that are to catch it. */
  readonly tests: readonly string[]
}

const LOG = 'src/store/segment/segment-log.ts'
const STORE = 'src/store/segment/segment-store.ts'
const DATABASE = 'src/database/database.ts'
const REPLAY = 'src/store/segment/log-replay.ts'
const CRASH = ['test/crash/crash.test.ts']
const FAULTS = ['test/crash/faults.test.ts']
const GC = ['test/database/gc.test.ts']
const CONTRACT = ['test/store/segment-store.test.ts']

const BUGS: readonly Bug[] = [
  {
    title: 'a flush that does not sync',
    file: LOG,
    right: '    try {\n      await this.#file.sync()\n    } catch',
    wrong: '    try {\n    } catch',
    tests: CRASH,
  },
  {
    title: 'a segment that is ended without being synced',
    file: LOG,
    right:
      '    while (comparePositions(this.#durable, this.#position) < 0) await this.#synced()\n    const end = this.#position',
    wrong: '    this.#durable = this.#position\n    const end = this.#position',
    tests: CRASH,
  },
  {
    title: 'a segment that is begun without being synced',
    file: LOG,
    right: '    await file.sync()\n    await fs.syncDir(segmentsDir(path))',
    wrong: '    await fs.syncDir(segmentsDir(path))',
    tests: CRASH,
  },
  {
    title: 'a segment whose name is not synced',
    file: LOG,
    right: '    await file.sync()\n    await fs.syncDir(segmentsDir(path))',
    wrong: '    await file.sync()',
    tests: CRASH,
  },
  {
    title: 'a sync that is tried again',
    file: LOG,
    right: '    try {\n      await this.#file.sync()\n',
    wrong: '    try {\n      await this.#file.sync().catch(() => this.#file.sync())\n',
    tests: FAULTS,
  },
  {
    title: 'a failed sync that is passed over',
    file: LOG,
    right: '      throw this.fail(error)\n    }\n    this.throwIfFailed()\n    this.#durableCount',
    wrong: '    }\n    this.#durableCount',
    tests: FAULTS,
  },
  {
    title: 'a short write that is taken for a whole one',
    file: LOG,
    right: '    await writeFully(this.#file, buffers, offset)',
    wrong: '    await this.#file.write(buffers, offset)',
    tests: FAULTS,
  },
  {
    title: 'records that call durable what is only written',
    file: LOG,
    right: 'this.#durable.segment === segment ? this.#durable.offset : 0',
    wrong: 'this.#position.offset',
    tests: CRASH,
  },
  {
    title: "a head's record before its chunks",
    file: STORE,
    right: '    this.#logAll()\n    const update = { name, ref: next }',
    wrong: '    const update = { name, ref: next }',
    tests: [...CRASH, ...CONTRACT],
  },
  {
    title: 'a head that is acknowledged before it is durable',
    file: STORE,
    right: '    await this.#acknowledgeable()\n    if (actual !== expected)',
    wrong: '    if (actual !== expected)',
    tests: CRASH,
  },
  {
    title: 'a compare-and-set that does not compare',
    file: STORE,
    right: '    if (actual?.toString() !== expected?.toString()) return actual\n',
    wrong: '',
    tests: CONTRACT,
  },
  {
    title: 'a head that may name what is not there',
    file: STORE,
    right:
      '    if (next !== undefined && !(await this.#knows([next]))[0]) throw new MissingChunkError(next.toString())\n',
    wrong: '',
    tests: CONTRACT,
  },
  {
    title: 'a damaged copy that swallows a put',
    file: STORE,
    right: 'place === undefined || !(await reader.isWhole({ ref: chunk.ref, place }))',
    wrong: 'place === undefined',
    tests: ['test/store/segment-damage.test.ts'],
  },
  {
    title: 'damage that is cut off like a torn tail',
    file: REPLAY,
    right: '      if (!isDurable) return at\n',
    wrong: '      return at\n',
    tests: ['test/store/segment-recovery.test.ts'],
  },
  {
    title: 'a torn payload that is taken for a whole one',
    file: REPLAY,
    right: '    if (!isDurable && !record.isWhole) return at\n',
    wrong: '',
    tests: CRASH,
  },
  {
    title: 'an index that is told of what is not durable yet',
    file: REPLAY,
    right: '    await file?.sync()\n',
    wrong: '',
    tests: CRASH,
  },
  {
    title: 'heads in force before they are durable',
    file: 'src/store/segment/pending.ts',
    right: ' && comparePositions(this.#stretches[count]!.end, durable) <= 0',
    wrong: '',
    tests: CRASH,
  },
  {
    title: 'collected segments that go before their chunks have moved',
    file: 'src/store/segment/sweep.ts',
    right: '    await pending\n      .endCollection(',
    wrong: '    await this.#remove(emptied)\n    await pending\n      .endCollection(',
    tests: ['test/crash/schedules.test.ts', ...CRASH],
  },
  {
    title: 'a put of a directory that a collection does not wait for',
    file: DATABASE,
    right: `    return store.writing(async () => {
      const { ref, ...summary } = await writeTree({ target: store, store }, path, options)
      return { tree: await this.tree(ref), ...summary }
    })`,
    wrong: `    const { ref, ...summary } = await writeTree({ target: store, store }, path, options)
    return { tree: await this.tree(ref), ...summary }`,
    tests: GC,
  },
  {
    title: 'a put of an archive that a collection does not wait for',
    file: DATABASE,
    right:
      'return this.store.writing(() => putTar(this.#context, archive, options, { user: userId, group: groupId }))',
    wrong: 'return putTar(this.#context, archive, options, { user: userId, group: groupId })',
    tests: GC,
  },
  {
    title: 'pages that cannot be read and stop a repair',
    file: 'src/store/segment/rescue.ts',
    right: '    if (isUnreadable(error)) return false',
    wrong: '',
    tests: ['test/store/segment/rescue.test.ts'],
  },
  {
    title: 'a copy around pages that cannot be read, in force before it is durable',
    file: 'src/store/segment/rescue.ts',
    right: '      await copy.sync()\n',
    wrong: '',
    tests: ['test/store/segment/rescue.test.ts'],
  },
  {
    title: 'room kept for a full disk that is not given up',
    file: 'src/store/segment/ballast.ts',
    right: '      await fs.remove(ballastFile(path))\n',
    wrong: '',
    tests: ['test/crash/full-disk.test.ts'],
  },
  {
    title: 'chunks that are not hashed when they are read',
    file: 'src/parallel/jobs.ts',
    right: 'part?.length === length && sameRef(sha256(part), 0, refs, results.length * REF_BYTES)',
    wrong: 'part?.length === length && sameRef(refs, 0, refs, 0)',
    tests: ['test/store/segment-damage.test.ts'],
  },
  {
    title: 'refs that are compared in part',
    file: 'src/hash/ref.ts',
    right: 'for (let i = 0; i < REF_BYTES; i++) if',
    wrong: 'for (let i = 0; i < 8; i++) if',
    tests: ['test/hash'],
  },
  {
    title: 'lengths in longer forms than they need',
    file: 'src/encoding/decode.ts',
    right: 'if (length < least) this.#refuse(',
    wrong: 'if (length + least < 0) this.#refuse(',
    tests: ['test/encoding'],
  },
  {
    title: 'keys of a record in any order',
    file: 'src/encoding/decode.ts',
    right: 'last !== undefined && compareUtf8(last, key) >= 0',
    wrong: 'last !== undefined && compareUtf8(last, key) === 0',
    tests: ['test/encoding'],
  },
  {
    title: 'a child of another length than its parent says',
    file: 'src/sequence/child-check.ts',
    right: '  if (node.length !== expected) return',
    wrong: '  if (node.length > expected) return',
    tests: ['test/sequence/hostile.test.ts'],
  },
  {
    title: 'a child with keys outside its range',
    file: 'src/sequence/child-check.ts',
    right:
      '  return index === 0 || order.compare(lastKeys.items, startOf(lastKeys, index - 1), own.items, 0) < 0',
    wrong: '  return true',
    tests: ['test/collection/hostile.test.ts'],
  },
  {
    title: 'a boundary one byte off',
    file: 'src/sequence/boundary.ts',
    right: 'this.#minBytes = rule.minUnits * rule.unitBytes',
    wrong: 'this.#minBytes = rule.minUnits * rule.unitBytes + 1',
    tests: ['test/sequence/boundary.test.ts', 'test/blob/vectors.test.ts'],
  },
]

let copy: string

beforeAll(async () => {
  copy = await mkdtemp(join(tmpdir(), 'nomsy-bugs-'))
  for (const name of ['src', 'test', 'wasm', 'scripts', 'package.json', 'tsconfig.json', 'vitest.config.ts'])
    await cp(join(ROOT, name), join(copy, name), { recursive: true })
  await run('cp', ['-al', join(ROOT, 'node_modules'), join(copy, 'node_modules')])
}, 120_000)

afterAll(() => rm(copy, { recursive: true, force: true }))

test('without a bug the tests pass', async () => {
  expect(await failureOf([...new Set(BUGS.flatMap(({ tests }) => tests))])).toBeUndefined()
})

test.each(BUGS)('$title is noticed', async ({ file, right, wrong, tests }) => {
  const path = join(copy, file)
  const source = await readFile(path, 'utf8')
  expect(source.split(right).length - 1, `'${right}' in ${file}`).toBe(1)
  await writeFile(
    path,
    source.replace(right, () => wrong),
  )
  try {
    expect(await failureOf(tests)).toBeDefined()
  } finally {
    await writeFile(path, source)
  }
})

/** What these tests say in the copy, where they fail. What does not come to an end has been noticed too. */
async function failureOf(tests: readonly string[]): Promise<string | undefined> {
  const env = { ...process.env, NOMSY_TORTURE: '', NOMSY_SEED: '' }
  const vitest = join(copy, 'node_modules/vitest/vitest.mjs')
  const options = { cwd: copy, env, timeout: 900_000, maxBuffer: 64 * 1024 * 1024 }
  return run(process.execPath, [vitest, 'run', '--bail=1', ...tests], options).then(
    () => undefined,
    ({ stdout, stderr }: { stdout: string; stderr: string }) => `${stdout}${stderr}`.slice(-4000),
  )
}
