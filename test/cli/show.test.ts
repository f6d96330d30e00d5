/** What show, list and stat say of collections, and paths into them. */

import { writeFileSync } from 'node:fs'
import { beforeAll, expect, test } from 'vitest'
import { Workplace } from './program.js'

function lines(out: string): string[] {
  return out.split('\n').slice(0, -1)
}

const at = new Workplace()
let ref = ''

beforeAll(async () => {
  await at.put('portrait', '--name', 'portrait')
  const entries = Array.from({ length: 100 }, (_, index) => ({ key: `k${index}`, value: index }))
  writeFileSync(at.path('m.jsonl'), entries.map((entry) => JSON.stringify(entry)).join('\n'))
  ref = (await at.ok('map', 'import', 'm', 'm.jsonl')).slice(0, 32)
  await at.ok('map', 'set', 'deep', 'ada', '{"born":1815,"a/b":[{"x":"y"},2]}')
  await at.ok('map', 'set', 'deep', 'a/b', `{"$ref":"${ref}"}`)
  await at.ok('map', 'set', 'deep', '7', '--key-type', 'number', JSON.stringify(Array(30).fill('long text')))
  await at.ok('map', 'set', 'deep', 'photo', '--type', 'ref', 'portrait')
})

test('list and stat say the kind and how much there is', async () => {
  expect(await at.ok('heads', 'm')).toBe(`${ref}  100 entries  map      m\n`)
  expect(JSON.parse(await at.ok('heads', 'm', '--json'))).toEqual({
    name: 'm',
    ref,
    kind: 'map',
    count: 100,
  })
  expect(await at.ok('stat', 'm')).toMatch(/^kind {4}map\nref {5}\w{32}\nsize {4}100 entries\nchunks {2}\d/)
  expect(JSON.parse(await at.ok('stat', 'm', '--json'))).toMatchObject({
    kind: 'map',
    ref,
    count: 100,
    names: ['m'],
  })
})

test('show gives the first entries and says how many more there are', async () => {
  const [heading, first, ...others] = lines(await at.ok('show', 'm', '--limit', '3'))
  expect([heading, first]).toEqual([`map  ${ref}  100 entries`, '  "k0": 0'])
  expect(others).toHaveLength(3)
  expect(others[2]).toBe("  ... 97 more; --limit shows more, 'nomsy map range' any part")
  expect(JSON.parse(await at.ok('show', 'm', '--json', '--limit', '1'))).toEqual({
    ref,
    kind: 'map',
    count: 100,
    entries: [{ key: 'k0', value: 0 }],
  })
  expect(await at.ok('show', 'm', '--tree')).toMatch(/^ +level .*\n(.*children\n)*.*items\n$/)
  expect(await at.ok('show', 'm', '--chunks')).toMatch(/^ +0 +\d+ {2}[0-9a-v]{32}\n/)
})

test('long values are abridged, and all of them comes as JSON', async () => {
  expect(lines(await at.ok('show', 'deep:[7]', '--limit', '2'))).toEqual([
    '[',
    '  "long text",',
    '  "long text",',
    '  ... 28 more',
    ']',
  ])
  expect(JSON.parse(await at.ok('show', 'deep:[7]', '--json', '--limit', '2'))).toHaveLength(30)
  expect(await at.ok('show', 'deep:photo', '--json')).toContain('"size":8')
})

test('show of what is inside', async () => {
  expect(await at.ok('show', 'deep:ada')).toBe('{"a/b": [{"x": "y"}, 2], "born": 1815}\n')
  expect(await at.ok('show', 'deep:["a/b"]/k7', '--json')).toBe('7\n')
  const { code, out, err } = await at.nomsy(['show', 'deep:nobody'])
  expect([code, out]).toEqual([1, ''])
  expect(err).toBe(
    "nomsy: deep:nobody: there is nothing at nobody in deep; 'nomsy show deep' shows what is\n",
  )
})
