import { describe, expect, test } from 'vitest'
import { applyByteRange, parseByteRange } from '../../src/cli/byte-range.js'
import { Failure, UsageError } from '../../src/cli/failure.js'

const DATA = Buffer.from('0123456789')

describe('a range gives what Buffer.subarray gives', () => {
  const cases: [text: string, start: number, end?: number][] = [
    ['0-0', 0, 1],
    ['0-9', 0],
    ['0-10', 0],
    ['0-9007199254740991', 0],
    ['3-5', 3, 6],
    ['9-9', 9],
    ['9-', 9],
    ['0-', 0],
    ['003-5', 3, 6],
    ['-1', -1],
    ['-10', -10],
    ['-11', 0],
    ['-9007199254740991', 0],
    ['0-99999999999999999999999', 0],
    ['-99999999999999999999999', 0],
  ]
  test.each(cases)('%s', (text, from, to) => {
    const { start, end } = applyByteRange(parseByteRange(text), DATA.length, 'x')
    expect(DATA.subarray(start, end).toString()).toBe(DATA.subarray(from, to).toString())
    expect(start).toBeLessThanOrEqual(end)
  })

  test('a suffix of an empty object is empty', () => {
    expect(applyByteRange(parseByteRange('-5'), 0, 'x')).toEqual({ start: 0, end: 0 })
  })
})

test.each([
  ['10-', 10],
  ['10-20', 10],
  ['9007199254740991-', 10],
  ['99999999999999999999999-', 10],
  ['-0', 10],
  ['0-', 0],
  ['0-0', 0],
  ['-0', 0],
])('%s of %i bytes cannot be satisfied', (text, size) => {
  const act = () => applyByteRange(parseByteRange(text), size, 'x')
  expect(act).toThrow(Failure)
  expect(act).not.toThrow(UsageError)
})

test.each([
  '',
  '-',
  '--',
  '5',
  '5-3',
  'a-b',
  '1e3-',
  '0x1-0x2',
  '+1-2',
  '1.5-2',
  ' 1-2',
  '1-2 ',
  '1 - 2',
  '-1-2',
  '--5',
  '0-1,3-4',
  'bytes=0-1',
  '١-٢',
])("'%s' is not a range", (text) => {
  expect(() => parseByteRange(text)).toThrow(UsageError)
})
