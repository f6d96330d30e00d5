import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { csvReader } from '../../../src/cli/exchange/csv-reader.js'
import { type Cell, csvRows } from '../../../src/cli/exchange/csv-rows.js'
import { CsvWriter } from '../../../src/cli/exchange/csv-writer.js'
import { isRecord } from '../../../src/cli/values/is-record.js'
import { typeOf } from '../../../src/cli/values/value-type.js'
import type { Value } from '../../../src/collection/value.js'
import { encode } from '../../../src/encoding/encode.js'
import type { Value as AnyValue } from '../../../src/encoding/value.js'
import { check } from '../../seed.js'
import { anyValue, texts } from '../values/any-value.js'

/** The bytes of `text` in pieces of `size`. */
async function* pieces(text: string | Buffer, size = 7): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(text)
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

async function rowsOf(
  text: string | Buffer,
  delimiter = ',',
): Promise<[line: number, cells: readonly Cell[]][]> {
  const rows: [number, readonly Cell[]][] = []
  for await (const { line, cells } of csvRows(pieces(text), delimiter)) rows.push([line, cells])
  return rows
}

test.each<[text: string, rows: [number, Cell[]][]]>([
  ['', []],
  [
    'a,b\n1,2',
    [
      [1, ['a', 'b']],
      [2, ['1', '2']],
    ],
  ],
  [
    'a,b\r\n1,2\n3,4\r\n',
    [
      [1, ['a', 'b']],
      [2, ['1', '2']],
      [3, ['3', '4']],
    ],
  ],
  ['\ufeffa,b\n', [[1, ['a', 'b']]]],
  [
    'a,b\n,""\n"",\n',
    [
      [1, ['a', 'b']],
      [2, [undefined, '']],
      [3, ['', undefined]],
    ],
  ],
  [
    'a,b\n"x\ny","q""q"\n\n1,2\n',
    [
      [1, ['a', 'b']],
      [2, ['x\ny', 'q"q']],
      [5, ['1', '2']],
    ],
  ],
  [
    'a,b\r\n"x\r\ny",\r\n1,2',
    [
      [1, ['a', 'b']],
      [2, ['x\r\ny', undefined]],
      [4, ['1', '2']],
    ],
  ],
  [
    'a\n\n""\nx\n',
    [
      [1, ['a']],
      [2, [undefined]],
      [3, ['']],
      [4, ['x']],
    ],
  ],
  [
    'a,b\n"é",ü\n',
    [
      [1, ['a', 'b']],
      [2, ['é', 'ü']],
    ],
  ],
  [
    'a,b\n"""",""""""\n,"""x"""\n',
    [
      [1, ['a', 'b']],
      [2, ['"', '""']],
      [3, [undefined, '"x"']],
    ],
  ],
])('rows of %j', async (text, rows) => {
  expect(await rowsOf(text)).toEqual(rows)
})

test('rows parted by other characters', async () => {
  expect(await rowsOf('a;b\n1,5;"x;y"\n', ';')).toEqual([
    [1, ['a', 'b']],
    [2, ['1,5', 'x;y']],
  ])
  expect(await rowsOf('a\tb\n\t""\n', '\t')).toEqual([
    [1, ['a', 'b']],
    [2, [undefined, '']],
  ])
})

describe('no CSV, and the line where it is not', () => {
  test.each<[text: string | Buffer, line: number, words: string]>([
    ['a,b\n1,2\n1,x"y\n', 3, 'a quote inside a cell'],
    ['a,b\n"a"b,c\n', 2, 'a closing quote that no delimiter follows'],
    ['a,b\n1,"x\ny\n', 3, 'the text ends inside quotes'],
    [Buffer.from('a,b\n1,2\n\xff,3\n', 'latin1'), 3, 'no text in UTF-8'],
  ])('%j', async (text, line, words) => {
    await expect(rowsOf(text)).rejects.toMatchObject({ line, message: expect.stringContaining(words) })
  })

  test('a row without end takes no memory without end', async () => {
    let given = 0
    async function* endless(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('a,b\n"')
      for (; given < 100; given++) yield Buffer.alloc(1024 * 1024, 'x\n')
    }
    const reading = async (): Promise<void> => {
      for await (const _ of csvRows(endless(), ','));
    }
    await expect(reading()).rejects.toThrow('a row longer than 16 MiB')
    expect(given).toBeLessThan(40)
  })
})

test('what is written is read back as it was, or refused', async () => {
  const records = fc.array(
    fc
      .uniqueArray(fc.tuple(fc.constantFrom('a', 'b', '__proto__', 'c,d', ' "'), anyValue), {
        maxLength: 4,
        selector: ([name]) => name,
      })
      .map((fields) => Object.fromEntries(fields) as Value),
    { maxLength: 6 },
  )
  const items = fc.oneof(records, fc.array(anyValue, { maxLength: 4 }), fc.array(texts, { maxLength: 6 }))
  let refused = 0
  let written = 0
  await check(
    fc.asyncProperty(items, fc.constantFrom(',', ';', '\t'), async (list, delimiter) => {
      const hasRecords = list.length > 0 && isRecord(list[0]!)
      // A column may hold anything, if it is said to.
      const names = new Set(
        hasRecords ? list.flatMap((item) => (isRecord(item) ? Object.keys(item) : [])) : ['value'],
      )
      const types = new Map(
        [...names].map((name) => {
          const values = hasRecords ? list.flatMap((item) => fieldOf(item, name)) : list
          const kinds = new Set(values.map(typeOf))
          return [name, kinds.size === 1 ? [...kinds][0]! : 'json'] as const
        }),
      )
      const writer = new CsvWriter('list', { delimiter, types, key: 'key', value: 'value' })
      let text: string
      try {
        const rows = list.map((item) => ({ item }))
        text = `${writer.header(rows[0]?.item)}\n${rows.map(({ item }) => `${writer.row(item)}\n`).join('')}`
      } catch (error) {
        expect(String(error)).toMatch(/is (no|a) record|has no fields/)
        refused++
        return
      }
      written++
      const reader = csvReader('list', {
        delimiter,
        types,
        ...(!hasRecords && list.length > 0 && { value: 'value' }),
      })
      const back: Value[] = []
      for await (const item of reader(pieces(text), { line: 0 })) back.push(item)
      expect(back.map(bytesOf)).toEqual(list.map(bytesOf))
    }),
  )
  expect(written).toBeGreaterThan(refused)
})

function fieldOf(item: Value, name: string): Value[] {
  return isRecord(item) && Object.hasOwn(item, name) ? [item[name]!] : []
}

function bytesOf(value: Value): string {
  return Buffer.from(encode(value as AnyValue)).toString('hex')
}
