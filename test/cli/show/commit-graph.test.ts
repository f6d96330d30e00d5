import fc from 'fast-check'
import { expect, test } from 'vitest'
import { CommitGraph } from '../../../src/cli/show/commit-graph.js'
import { Ref } from '../../../src/hash/ref.js'
import { check } from '../../seed.js'

/** The graph of commits written as `commit: parents`, the latest first. */
function draw(commits: readonly string[]): string {
  const refOf = (name: string): Ref => Ref.of(new TextEncoder().encode(name))
  const graph = new CommitGraph()
  return commits
    .flatMap((commit) => {
      const [name, parents = ''] = commit.split(':')
      const refs = parents.split(' ').filter((each) => each !== '')
      const { before, first, after } = graph.add({ ref: refOf(name!), parents: refs.map(refOf) })
      return [...before, `${first} ${name}`, ...after]
    })
    .join('\n')
}

test('a line of commits', () => {
  expect(draw(['c: b', 'b: a', 'a'])).toBe('* c\n* b\n* a')
})

test('a merge', () => {
  expect(draw(['m: c b', 'c: a', 'b: a', 'a'])).toBe(
    String.raw`
* m
|\
* | c
| * b
|/
* a`.slice(1),
  )
})

test('a merge of three, and lanes that cross others', () => {
  expect(draw(['m: d c b', 'b: a', 'c: a', 'd: a', 'a'])).toBe(
    String.raw`
* m
|\
| |\
| | * b
| * | c
* | | d
|_|/
|/
* a`.slice(1),
  )
  expect(draw(['m: d c', 'n: m b', 'd: a', 'c: x', 'b: a', 'x: a', 'a'])).toContain('|_|/')
})

test('histories that share nothing, and one that ends beside another', () => {
  expect(draw(['m: c b', 'c', 'b: a', 'a'])).toBe(
    String.raw`
* m
|\
* | c
 /
* b
* a`.slice(1),
  )
})

test('any history: one star in each row of a commit, and no lane left at the end', () => {
  const histories = fc.array(fc.uniqueArray(fc.nat({ max: 40 }), { maxLength: 3 }), { maxLength: 40 })
  check(
    fc.property(histories, (steps) => {
      // Commit `index` follows commits further down.
      const commits = steps.map((jumps, index) => {
        const parents = jumps.map((jump) => index + 1 + jump).filter((parent) => parent < steps.length)
        return `${index}:${parents.join(' ')}`
      })
      const rows = draw(commits).split('\n')
      expect(rows.filter((row) => row.includes('*'))).toHaveLength(Math.max(commits.length, 0))
      for (const row of rows) expect(row.replace(/\d+$/, '')).toMatch(/^[*|/\\_ ]*$/)
    }),
  )
})
