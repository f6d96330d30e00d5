/** The file FORMAT: what is written, what is read of it, and what is refused. */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { chunkOf, type Finding } from '../../../src/store/chunk-store.js'
import type { Compression } from '../../../src/store/segment/compression.js'
import { nodeFileSystem } from '../../../src/store/segment/node-file-system.js'
import { SegmentStore } from '../../../src/store/segment/segment-store.js'
import { readFormat } from '../../../src/store/segment/store-format.js'

const directory = mkdtempSync(join(tmpdir(), 'nomsy-format-'))
afterAll(() => rmSync(directory, { recursive: true }))

const chunk = chunkOf(Uint8Array.of(0xc4, 2, 1, 2))
let storeCount = 0

/** The path of a store with one chunk. */
async function newStore(compression?: Compression): Promise<string> {
  const path = join(directory, String(storeCount++))
  const store = await SegmentStore.open(path, { compression })
  await store.put([chunk])
  await store.close()
  return path
}

const formatOf = (path: string): string => readFileSync(join(path, 'FORMAT'), 'utf8')

test.each<[Compression | undefined, string, Compression | undefined]>([
  [undefined, '', undefined],
  ['none', 'compression none\n', 'none'],
  ['zstd', 'compression zstd:1\n', 'zstd:1'],
  ['zstd:19', 'compression zstd:19\n', 'zstd:19'],
  ['zstd:-7', 'compression zstd:-7\n', 'zstd:-7'],
])('a store made with the compression %s says so, once and for all', async (compression, line, read) => {
  const path = await newStore(compression)
  const text = formatOf(path)
  expect(text).toMatch(/^nomsy store\nversion 1\nid [0-9a-f]{32}\n/)
  expect(text.slice(58)).toBe(line)
  const format = await readFormat(nodeFileSystem, path)
  expect(format!.compression).toBe(read)
  expect(Buffer.from(format!.storeId).toString('hex')).toBe(text.slice(25, 57))
  const again = await SegmentStore.open(path, { compression: 'zstd:3' })
  await again.close()
  expect(formatOf(path)).toBe(text)
})

test.each([
  'compression zstd:99\n',
  'compression zstd:0\n',
  'compression zstd:-8\n',
  'compression zstd:01\n',
  'compression zstd\n',
  'compression brotli\n',
  'compression \n',
  'compression none',
  'compression none \n',
  'compression none\n\n',
  'compression none\ncompression none\n',
  'Compression none\n',
  'codec 7\n',
  '\n',
  'compression ☃\n',
  `compression none\n${'x'.repeat(5000)}`,
])('after the third line %j keeps writers out and readers not', async (rest) => {
  const path = await newStore('none')
  const file = join(path, 'FORMAT')
  writeFileSync(file, formatOf(path).slice(0, 58) + rest)
  for (const compression of [undefined, 'none'] as const) {
    const error: unknown = await SegmentStore.open(path, { compression }).catch((caught: unknown) => caught)
    expect(error).toMatchObject({ name: 'DamagedStoreError', code: 'NOMSY_DAMAGED_STORE', file, offset: 58 })
    expect((error as Error).message).toContain(
      `${JSON.stringify(rest.slice(0, 40))} names no compression; write `,
    )
  }
  const store = await SegmentStore.open(path, { readOnly: true })
  expect(await store.get(chunk.ref)).toEqual(chunk.bytes)
  const findings: Finding[] = []
  for await (const finding of store.check()) findings.push(finding)
  expect(findings).toEqual([{ message: expect.stringContaining('names no compression'), refs: [] }])
  await store.close()

  // What the message says to do.
  writeFileSync(file, formatOf(path).slice(0, 58))
  await (await SegmentStore.open(path)).close()
})

test.each([
  ['NOMSY_NEWER_STORE', (text: string) => text.replace('version 1', 'version 2')],
  ['NOMSY_FOREIGN_STORE', (text: string) => text.replace('version 1', 'version 01')],
  ['NOMSY_FOREIGN_STORE', (text: string) => text.replace(/id ./, 'id g')],
  ['NOMSY_FOREIGN_STORE', (text: string) => text.slice(0, 57)],
  ['NOMSY_FOREIGN_STORE', (text: string) => `\n${text}`],
])('%s where the lines before are another (%#)', async (code, change) => {
  const path = await newStore('zstd:5')
  writeFileSync(join(path, 'FORMAT'), change(formatOf(path)))
  for (const readOnly of [false, true])
    await expect(SegmentStore.open(path, { readOnly })).rejects.toMatchObject({ code })
})
