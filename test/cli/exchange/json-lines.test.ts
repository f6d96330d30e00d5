import { describe, expect, test } from 'vitest'
import type { Place } from '../../../src/cli/exchange/item.js'
import { jsonLine, jsonLinesReader } from '../../../src/cli/exchange/json-lines.js'
import { linesIn } from '../../../src/cli/exchange/lines.js'
import type { CollectionKind } from '../../../src/cli/objects/find-object.js'
import type { Value } from '../../../src/collection/value.js'

/** The bytes of `text` in pieces of `size`. */
async function* pieces(text: string | Buffer, size = 5): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(text)
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

async function read(
  kind: CollectionKind,
  text: string | Buffer,
  key?: string,
): Promise<[line: number, item: Value][]> {
  const place: Place = { line: 0 }
  const items: [number, Value][] = []
  try {
    for await (const item of jsonLinesReader(kind, { key })(pieces(text), place))
      items.push([place.line, item])
  } catch (error) {
    const { message, line = place.line } = error as Error & { line?: number }
    throw new Error(`line ${line}: ${message}`)
  }
  return items
}

test.each<[kind: CollectionKind, text: string, key: string | undefined, items: [number, Value][]]>([
  ['list', '', undefined, []],
  [
    'list',
    '1\n\n  \r\n"é"\r\n{"a":[null]}',
    undefined,
    [
      [1, 1],
      [4, 'é'],
      [5, { a: [null] }],
    ],
  ],
  ['list', '\ufeff1\n', undefined, [[1, 1]]],
  ['set', '[1,"a"]\n', undefined, [[1, [1, 'a']]]],
  ['set', '{"id":7,"x":1}\n', 'id', [[1, 7]]],
  ['map', '{"value":1,"key":"a"}\n', undefined, [[1, ['a', 1]]]],
  [
    'map',
    '{"id":7,"x":1}\n{"id":8}',
    'id',
    [
      [1, [7, { x: 1 }]],
      [2, [8, {}]],
    ],
  ],
  ['map', '{"__proto__":7,"x":1}\n', '__proto__', [[1, [7, { x: 1 }]]]],
])('%s: %j, key %s', async (kind, text, key, items) => {
  expect(await read(kind, text, key)).toEqual(items)
})

test('items are written as they are read', () => {
  expect(jsonLine('map', ['a', { b: 1n << 63n }])).toBe(
    '{"key":"a","value":{"b":{"$bigint":"9223372036854775808"}}}',
  )
  expect(jsonLine('set', [1, 'a\n'])).toBe('[1,"a\\n"]')
  expect(jsonLine('list', Infinity)).toBe('{"$number":"Infinity"}')
})

describe('what is wrong is told with its line', () => {
  test.each<[text: string | Buffer, key: string | undefined, message: string]>([
    ['{"key":"a","value":1}\n\n{"key":"b","value":}\n', undefined, 'line 3: not JSON: Unexpected token'],
    ['{"key":"a","value":1}\n[1,2]\n', undefined, 'line 2: not {"key": ..., "value": ...}; --key FIELD'],
    ['{"key":"a"}\n', undefined, 'line 1: not {"key": ..., "value": ...}'],
    ['{"key":"a","value":1,"more":2}\n', undefined, 'line 1: not just {"key": ..., "value": ...}'],
    ['{"id":"a"}\n{"name":"b"}\n', 'id', 'line 2: not a record with the field id'],
    ['{"id":"a"}\n{"$bytes":"aGk="}\n', 'id', 'line 2: not a record with the field id'],
    ['{"key":"a","value":9007199254740993}\n', undefined, 'line 1: 9007199254740993 has more digits'],
    [
      Buffer.from('{"key":"a","value":1}\n\n{"key":"\xff"}\n', 'latin1'),
      undefined,
      'line 3: is no text in UTF-8',
    ],
  ])('%s, key %s', async (text, key, message) => {
    await expect(read('map', text, key)).rejects.toThrow(message)
  })

  test('a line without end takes no memory without end', async () => {
    let given = 0
    async function* endless(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('1\n')
      for (; given < 100; given++) yield Buffer.alloc(1024 * 1024, 'x')
    }
    const reading = async (): Promise<void> => {
      for await (const _ of linesIn(endless()));
    }
    await expect(reading()).rejects.toMatchObject({
      line: 2,
      message: expect.stringContaining('longer than 16 MiB'),
    })
    expect(given).toBeLessThan(20)
  })
})
