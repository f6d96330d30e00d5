/**
 * Which commits of a history to keep: some of the last ones, and one for each of so many hours, days and so on, as
 * backups are thinned out. Hours, days, weeks (from Monday), months and years are those of UTC.
 */

const DAY_MS = 24 * 60 * 60 * 1000

/** How many to keep by each rule; at least one is to be there. */
export interface Retention {
  /** The latest commits. */
  readonly last?: number | undefined
  /** The latest commit of each of so many hours that have one, counted from the latest; and so on. */
  readonly hourly?: number | undefined
  readonly daily?: number | undefined
  readonly weekly?: number | undefined
  readonly monthly?: number | undefined
  readonly yearly?: number | undefined
}

/** Why a commit stays: it is the present one, or a rule wants it. */
export type RetentionRule = 'present' | keyof Retention

/** What of a time says which hour, day and so on it is in. */
const PERIODS: Readonly<Record<Exclude<keyof Retention, 'last'>, (time: number) => number>> = {
  hourly: (time) => Math.floor(time / (DAY_MS / 24)),
  daily: (time) => Math.floor(time / DAY_MS),
  // The first of January 1970 was a Thursday.
  weekly: (time) => Math.floor((Math.floor(time / DAY_MS) + 3) / 7),
  monthly: (time) => new Date(time).getUTCFullYear() * 12 + new Date(time).getUTCMonth(),
  yearly: (time) => new Date(time).getUTCFullYear(),
}

export const RETENTION_RULES = ['last', ...Object.keys(PERIODS)] as readonly (keyof Retention)[]

/** Throws a RangeError where there is no rule, or one that is no whole number. */
export function checkRetention(retention: Retention): void {
  const counts = RETENTION_RULES.map((rule) => retention[rule]).filter((count) => count !== undefined)
  if (counts.length === 0) throw new RangeError(`say what to keep: one of ${RETENTION_RULES.join(', ')}`)
  for (const count of counts) {
    if (!Number.isSafeInteger(count) || count < 0)
      throw new RangeError(`${count} is no number of commits to keep`)
  }
}

/** For each of `times`, those of a head's commits from the present one back, why it is kept; empty where it is not. */
export function retained(times: readonly number[], retention: Retention): RetentionRule[][] {
  const reasons = times.map((_, index): RetentionRule[] => (index === 0 ? ['present'] : []))
  for (const [index, each] of reasons.entries()) if (index < (retention.last ?? 0)) each.push('last')
  for (const [rule, periodOf] of Object.entries(PERIODS) as [
    keyof typeof PERIODS,
    (time: number) => number,
  ][]) {
    const seen = new Set<number>()
    for (const [index, time] of times.entries()) {
      const period = periodOf(time)
      if (seen.has(period)) continue
      if (seen.size >= (retention[rule] ?? 0)) break
      seen.add(period)
      reasons[index]!.push(rule)
    }
  }
  return reasons
}
