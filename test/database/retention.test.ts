import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { checkRetention, type Retention, retained } from '../../src/database/retention.js'
import { check } from '../seed.js'

const at = (text: string): number => Date.parse(`${text}Z`)

/** The present one first. */
const TIMES = [
  '2026-03-02T10:30:00',
  '2026-03-02T10:05:00',
  '2026-03-02T09:00:00',
  '2026-03-01T23:59:59',
  '2026-02-28T00:00:00',
  '2026-02-27T00:00:00',
  '2025-12-31T23:59:59',
  '2024-07-01T00:00:00',
].map(at)

function kept(retention: Retention, times = TIMES): number[] {
  return retained(times, retention).flatMap((reasons, index) => (reasons.length > 0 ? [index] : []))
}

describe('what is kept', () => {
  test.each([
    ['the present one always', { last: 0 }, [0]],
    ['the latest', { last: 3 }, [0, 1, 2]],
    ['one an hour', { hourly: 3 }, [0, 2, 3]],
    ['one a day', { daily: 3 }, [0, 3, 4]],
    ['one a week, from Monday: the first of March 2026 was a Sunday', { weekly: 2 }, [0, 3]],
    ['one a month', { monthly: 3 }, [0, 4, 6]],
    ['one a year', { yearly: 10 }, [0, 6, 7]],
    ['what any rule wants', { last: 2, yearly: 2 }, [0, 1, 6]],
  ] as const)('%s', (_, retention, expected) => {
    expect(kept(retention)).toEqual(expected)
  })

  test('times before 1970, and that go backwards, harm nothing', () => {
    expect(
      kept({ daily: 9, weekly: 9 }, [at('2026-01-01T00:00:00'), at('1969-12-31T23:00:00'), 0, -1e15]),
    ).toEqual([0, 1, 2, 3])
  })

  test('every rule keeps at most so many, and more rules keep no less', () =>
    check(
      fc.property(
        fc.array(fc.integer({ min: -1e12, max: 2e12 }), { minLength: 1, maxLength: 50 }),
        fc.nat(8),
        fc.constantFrom('last', 'hourly', 'daily', 'weekly', 'monthly', 'yearly' as const),
        fc.nat(8),
        (times, count, rule, last) => {
          const one = retained(times, { [rule]: count })
          expect(one.filter((reasons) => reasons.includes(rule)).length).toBeLessThanOrEqual(count)
          const both = kept({ [rule]: count, last: Math.max(last, rule === 'last' ? count : 0) }, times)
          for (const index of kept({ [rule]: count }, times)) expect(both).toContain(index)
        },
      ),
    ))

  test.each([[{}], [{ last: -1 }], [{ daily: 1.5 }]])('%j is refused', (retention) => {
    expect(() => checkRetention(retention)).toThrow(RangeError)
  })
})
