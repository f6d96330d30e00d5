import { expect, test } from 'vitest'
import { UsageError } from '../../../src/cli/failure.js'
import { parseObjectPath } from '../../../src/cli/objects/object-path.js'

test.each<[text: string, object: string, keys: unknown[]]>([
  ['users', 'users', []],
  ['main~2', 'main~2', []],
  ['users:ada', 'users', ['ada']],
  ['users:ada/born', 'users', ['ada', 'born']],
  ['users:ada@example.com/a.b', 'users', ['ada@example.com', 'a.b']],
  ['logs:-1/0', 'logs', ['-1', '0']],
  ['a:x:y', 'a', ['x:y']],
  ['a:[1]/x', 'a', [1, 'x']],
  ['a:["x/y"]/["]["]/[""]', 'a', ['x/y', '][', '']],
  ['a:[["x",1]]', 'a', [['x', 1]]],
  ['a:["\\"]"]', 'a', ['"]']],
  ['a:[{"$bigint":"9223372036854775807"}]', 'a', [2n ** 63n - 1n]],
  ['a:x[0]', 'a', ['x[0]']],
])('%s', (text, object, keys) => {
  const path = parseObjectPath(text)
  expect(path.object).toBe(object)
  expect(path.steps.map(({ key }) => key)).toEqual(keys)
})

test.each([
  ['a:', 'there is an empty step'],
  ['a:/x', 'there is an empty step'],
  ['a:x/', 'there is an empty step'],
  ['a:x//y', 'there is an empty step'],
  ['a:[1', 'does not end'],
  ['a:["]', 'Unterminated string'],
  ['a:[]', 'must hold one key'],
  ['a:[1,2]', 'must hold one key'],
  ['a:[x]', 'not JSON'],
  ['a:[1]x', "after [1] there must be a '/' or the end"],
])('%s is refused', (text, words) => {
  expect(() => parseObjectPath(text)).toThrow(UsageError)
  expect(() => parseObjectPath(text)).toThrow(words)
})
