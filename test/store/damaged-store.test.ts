/**
 * I3: whatever happens to a file of a store, no wrong bytes are read, nothing is gone in silence, and no process is
 * taken down twice; and a repair brings the store to where it can be written.
 */

import { execFile } from 'node:child_process'
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { encode } from '../../src/encoding/encode.js'
import { type Chunk, chunkOf } from '../../src/store/chunk-store.js'
import { SegmentStore } from '../../src/store/segment/segment-store.js'
import { type Build, build } from '../crash/built.js'
import { Random } from '../crash/random.js'
import { contentsOf } from '../crash/scene.js'
import { seed } from '../seed.js'

const { NOMSY_TORTURE } = process.env
const DAMAGES = NOMSY_TORTURE === '1' ? 3000 : 100
const CHILD = fileURLToPath(new URL('damaged-child.mjs', import.meta.url))

/** Damaged stores that one process looks at. */
const STORES_AT_ONCE = 20

let directory: string
/** The store, and as it was before the last of it was put. */
let original: string
let stale: string
let expected: string
let built: Build

beforeAll(async () => {
  built = await build()
  directory = await mkdtemp(join(tmpdir(), 'nomsy-damaged-'))
  original = join(directory, 'original')
  stale = join(directory, 'stale')
  expected = join(directory, 'expected.json')
  await put('first')
  await cp(original, stale, { recursive: true })
  await put('second')
  const store = await SegmentStore.open(original, { readOnly: true })
  const { heads, refs } = await contentsOf(store)
  await store.close()
  await writeFile(expected, JSON.stringify({ heads: [...heads].sort(), refs: [...refs] }))
}, 120_000)

afterAll(async () => {
  await built.remove()
  await rm(directory, { recursive: true, force: true })
})

/** Leaves of blobs, some of them named, in segments of 64 KiB. */
async function put(title: string): Promise<void> {
  const store = await SegmentStore.open(original, { segmentBytes: 64 * 1024, compression: 'none' })
  for (let round = 0; round < 10; round++) {
    const chunks: Chunk[] = Array.from({ length: 60 }, (_, index) => {
      const text = new TextEncoder().encode(`${title} ${round} ${index} ${'text '.repeat(index)}`.padEnd(256))
      return chunkOf(encode(text))
    })
    await store.put(chunks)
    await store.heads.compareAndSet(`${title}/${round}`, undefined, chunks[0]!.ref)
  }
  await store.close()
}

type Damage = (
  bytes: Buffer,
  random: Random,
  other: { stale: Buffer | undefined; swapped: Buffer },
) => Buffer | undefined

/** What becomes of a file's bytes; it is deleted where that is nothing. */
const DAMAGES_BY_NAME: Readonly<Record<string, Damage>> = {
  'a bit flipped': (bytes, random) => {
    if (bytes.length > 0) bytes[random.below(bytes.length)]! ^= 1 << random.below(8)
    return bytes
  },
  'a page of zeros': (bytes, random) => {
    const start = random.below(bytes.length + 1) & ~4095
    return bytes.fill(0, start, Math.min(start + 4096, bytes.length))
  },
  'cut short': (bytes, random) => bytes.subarray(0, random.below(bytes.length + 1)),
  deleted: () => undefined,
  "another file's bytes": (_, __, { swapped }) => swapped,
  'an older copy': (_, __, { stale }) => stale,
  'garbage at its end': (bytes, random) => Buffer.concat([bytes, Buffer.alloc(1 + random.below(5000), 0xa5)]),
}

test('no damage to any file gives wrong bytes, is silent, or ends a process twice', async () => {
  const random = new Random(seed)
  const files = (await filesIn(original)).filter((name) => !/LOCK$|LOG(\.old)?$/.test(name))
  const cases: { readonly path: string; readonly what: string }[] = []
  for (let number = 0; number < DAMAGES; number++) {
    // Each file in turn, so that none is left out.
    const name = files[number % files.length]!
    const what = random.pick(Object.keys(DAMAGES_BY_NAME))
    const path = join(directory, `damaged-${number}`)
    await cp(original, path, { recursive: true })
    await damage(join(path, name), name, DAMAGES_BY_NAME[what]!, random, files)
    cases.push({ path, what: `${name}: ${what}` })
  }
  const outcomes = new Map<string, number>()
  const bad: string[] = []
  for (let at = 0; at < cases.length; at += STORES_AT_ONCE) {
    const some = cases.slice(at, at + STORES_AT_ONCE)
    const results = await lookAt(some.map(({ path }) => path))
    for (const { path, what } of some) {
      const { outcome, crashes } = results.get(path)!
      const [before, after] = outcome.split('\t')
      const key = `${before}, repaired: ${after}${crashes > 0 ? ', after a crash in LevelDB' : ''}`
      outcomes.set(key, (outcomes.get(key) ?? 0) + 1)
      if (!isAllowed(what, before!, after!) || crashes > 1) bad.push(`${what}: ${key}`)
      await rm(path, { recursive: true })
    }
  }
  const counts = [...outcomes].map(([key, count]) => `${count} ${key}`)
  console.log(`${DAMAGES} damages to ${files.length} files (seed ${seed}): ${counts.join('; ')}`)
  expect(bad, `NOMSY_SEED=${seed}`).toEqual([])
}, 600_000)

/** Losing what is in a segment is told of; a store that is refused is so for what FORMAT says. */
function isAllowed(what: string, before: string, after: string): boolean {
  const isRefusable = what.startsWith('FORMAT')
  const good = ['equal', 'told']
  if (!good.includes(before) && !(before.startsWith('NOMSY_') && isRefusable)) return false
  return good.includes(after) || (isRefusable && after === 'NOMSY_NEWER_STORE') || isTail(what, after)
}

/** After a repair there is nothing to tell of chunks that no head needs. */
function isTail(what: string, after: string): boolean {
  return what.startsWith('segments') && after.startsWith('silent: 20 heads,')
}

/** What the child says of each store, and how often it was taken down by it. */
async function lookAt(paths: readonly string[]): Promise<Map<string, { outcome: string; crashes: number }>> {
  const results = new Map<string, { outcome: string; crashes: number }>()
  const crashes = new Map<string, number>()
  for (let rest = paths; rest.length > 0; rest = paths.filter((path) => !results.has(path))) {
    const stdout = await promisify(execFile)(process.execPath, [CHILD, built.path, expected, ...rest]).then(
      ({ stdout }) => stdout,
      ({ stdout }: { stdout: string }) => stdout,
    )
    for (const line of stdout.trim().split('\n')) {
      const [path, ...states] = line.split('\t')
      if (states.length === 2)
        results.set(path!, { outcome: states.join('\t'), crashes: crashes.get(path!) ?? 0 })
    }
    const crashed = rest.find((path) => !results.has(path))
    if (crashed === undefined) break
    const count = (crashes.get(crashed) ?? 0) + 1
    crashes.set(crashed, count)
    if (count > 2) results.set(crashed, { outcome: 'crash\tcrash', crashes: count })
  }
  return results
}

async function filesIn(path: string): Promise<string[]> {
  const entries = await readdir(path, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(path, join(entry.parentPath, entry.name)))
    .sort()
}

async function damage(
  file: string,
  name: string,
  apply: Damage,
  random: Random,
  files: readonly string[],
): Promise<void> {
  const swapped = await readFile(join(original, random.pick(files)))
  const older = await readFile(join(stale, name)).catch(() => undefined)
  const bytes = apply(await readFile(file), random, { stale: older, swapped })
  if (bytes === undefined) await rm(file)
  else await writeFile(file, bytes)
}
