/** A store that was collected and is damaged then is mended without bringing back what the collection freed. */

import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { childrenIn } from '../../../src/database/gc.js'
import { type Chunk, chunkOf } from '../../../src/store/chunk-store.js'
import { mendStore } from '../../../src/store/segment/mend-store.js'
import { SegmentStore } from '../../../src/store/segment/segment-store.js'
import { Random } from '../../crash/random.js'

const SEGMENT_BYTES = 256 * 1024

test('what was freed stays so, in segments that are gone, in those that stayed, and in copies of damage', async () => {
  const path = await mkdtemp(join(tmpdir(), 'nomsy-mend-collected-'))
  const random = new Random(7)
  const noise = (): Chunk => chunkOf(random.bytes(9000))
  const kept = Array.from({ length: 140 }, noise)
  const freed = Array.from({ length: 20 }, noise)
  // The first segments lose some of their chunks, and little enough to stay; the last ones all.
  const mixed = kept.flatMap((chunk, index) => (index % 14 === 0 ? [freed[index / 14]!, chunk] : [chunk]))
  let store = await SegmentStore.open(path, { segmentBytes: SEGMENT_BYTES, compression: 'none' })
  for (const chunk of [...mixed, ...freed.slice(10)]) {
    await store.put([chunk])
    await store.flush()
  }
  for (const [index, { ref }] of kept.entries()) await store.heads.compareAndSet(`k${index}`, undefined, ref)
  expect((await store.collect({ childrenOf: childrenIn })).freedChunks).toBe(freed.length)
  await store.close()
  const segments = (await readdir(join(path, 'segments'))).sort()
  expect(segments[0], 'the first segment stays, with chunks that were dropped').toBe('00000001.seg')
  const expectMended = async (): Promise<void> => {
    for (let count = 0; count < 2; count++) await mendStore(path)
    store = await SegmentStore.open(path)
    expect(new Set(await store.hasMany(freed.map(({ ref }) => ref)))).toEqual(new Set([false]))
    expect((await store.getMany(kept.map(({ ref }) => ref))).every((bytes) => bytes !== undefined)).toBe(true)
    for await (const finding of store.check()) expect(finding).toBeUndefined()
    await store.close()
  }
  await expectMended()
  // A header of a record each in all segments that stayed: what lies there is salvaged, but for what was dropped.
  for (const segment of segments.slice(0, -1)) {
    const file = join(path, 'segments', segment)
    const bytes = await readFile(file)
    for (let at = bytes.indexOf('nmsr', 200), count = 0; at >= 0 && count < 5; count++) {
      bytes[at + 5]! ^= 0xff
      at = bytes.indexOf('nmsr', at + 4)
    }
    await writeFile(file, bytes)
  }
  await expectMended()
  const copies = await readdir(join(path, 'damaged'))
  expect(copies.length).toBeGreaterThan(0)
  expect(copies.filter((name) => !name.endsWith('.old'))).toEqual([])
  // What was salvaged, and is freed then, does not come from the copies.
  store = await SegmentStore.open(path)
  for (const [index, { ref }] of kept.entries()) await store.heads.compareAndSet(`k${index}`, ref, undefined)
  await store.collect({ childrenOf: childrenIn })
  await store.close()
  await mendStore(path)
  store = await SegmentStore.open(path)
  expect(new Set(await store.hasMany(kept.map(({ ref }) => ref)))).toEqual(new Set([false]))
  for await (const finding of store.check()) expect(finding).toBeUndefined()
  await store.close()
  await rm(path, { recursive: true, force: true })
})
