import { expect, test } from 'vitest'
import { conflictJson, conflictLines } from '../../../src/cli/show/conflicts.js'
import { PLAIN } from '../../../src/cli/styled.js'
import type { Storable } from '../../../src/collection/value.js'
import { Database } from '../../../src/database/database.js'
import { MemoryStore } from '../../../src/store/memory-store.js'

/** What is said of the conflicts of two commits that follow a third. */
async function conflicts(
  base: Storable | undefined,
  ours: Storable,
  theirs: Storable,
): Promise<[string[], string[]]> {
  if (base !== undefined) {
    await db.commit('ours', base)
    await db.branch('theirs', 'ours')
  }
  const commits = [await db.commit('ours', ours), await db.commit('theirs', theirs)] as const
  const [lines, json]: [string[], string[]] = [[], []]
  for await (const conflict of db.conflicts(commits[0].ref, commits[1].ref)) {
    lines.push(...conflictLines(conflict, PLAIN))
    json.push(conflictJson(conflict))
  }
  for (const name of ['ours', 'theirs']) await db.remove(name)
  return [lines, json]
}

const db = new Database(new MemoryStore())

test('of maps by key, in their order', async () => {
  const base = await db.map<string, number>([
    ['a', 1],
    ['b', 1],
    ['c', 1],
    ['d', 1],
  ])
  const ours = await base.edit().set('a', 2).set('b', 2).delete('c').set('d', 2).done()
  const theirs = await base.edit().set('a', 3).set('b', 2).set('c', 3).done()
  expect(await conflicts(base, ours, theirs)).toEqual([
    [
      'conflict: "a"',
      '  base    1',
      '  ours    2',
      '  theirs  3',
      'conflict: "c"',
      '  base    1',
      '  ours    nothing',
      '  theirs  3',
    ],
    ['{"key":"a","base":1,"ours":2,"theirs":3}', '{"key":"c","base":1,"theirs":3}'],
  ])
})

test('of lists by runs of items', async () => {
  const base = await db.list<string | number>([1, 2, 3])
  const [ours, theirs] = [await base.splice(1, 1, ['x', 'y']), await base.splice(1, 1, ['z'])]
  expect(await conflicts(base, ours, theirs)).toEqual([
    ['conflict: [1]', '  base    [2]', '  ours    ["x", "y"]', '  theirs  ["z"]'],
    ['{"at":1,"base":[2],"ours":["x","y"],"theirs":["z"]}'],
  ])
})

test('of all else as a whole', async () => {
  const [a, b] = [await db.putValue('a'), await db.putValue('b')]
  expect(await conflicts(undefined, a, b)).toEqual([
    [
      'conflict: the value as a whole',
      '  base    nothing',
      `  ours    {"$ref": "${a}"}`,
      `  theirs  {"$ref": "${b}"}`,
    ],
    [`{"ours":{"$ref":"${a}"},"theirs":{"$ref":"${b}"}}`],
  ])
})
