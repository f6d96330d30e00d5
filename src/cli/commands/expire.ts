/** nomsy expire: makes the history of a name shorter. */

import type { Commit } from '../../database/commit.js'
import { RETENTION_RULES, type Retention } from '../../database/retention.js'
import type { CommandUsage } from '../command.js'
import type { CommandContext } from '../command-context.js'
import { parseCount } from '../count.js'
import { UsageError } from '../failure.js'
import { checkName } from '../head-name.js'
import { findCommit } from '../objects/find-object.js'
import { commitJson, commitLine } from '../show/commit-text.js'
import { painter } from '../styled.js'

const KEPT: Readonly<Record<keyof Retention, string>> = {
  last: 'the latest commits, so many of them',
  hourly: 'the latest commit of each of so many hours that have any',
  daily: 'the same of days',
  weekly: 'of weeks, from Monday',
  monthly: 'of months',
  yearly: 'of years',
}

/** `--keep-last` and so on. */
const KEEP_OPTIONS = RETENTION_RULES.map((rule) => ({
  flags: `--keep-${rule} <count>`,
  description: KEPT[rule],
  parse: (text: string) => parseCount(`--keep-${rule}`, text),
}))

export const usage: CommandUsage = {
  summary: 'make the history of a name shorter',
  arguments: [['<name>', 'a name that has commits']],
  options: [
    ...KEEP_OPTIONS,
    { flags: '-n, --dry-run', description: 'say what would stay and what would go, and change nothing' },
  ],
  notes: `What one of the options wants stays, and the present commit always. Commits that come after one that goes are made
anew, with other refs, the same values, messages and times, and one parent each: what was merged in is in the values, its
own history goes unless another name has it. Hours, days, weeks, months and years are those of UTC. 'nomsy gc' then gives
back the room.`,
  examples: [
    'nomsy expire backup --keep-daily 7 --keep-monthly 12 --dry-run',
    'nomsy expire drafts --keep-last 10',
  ],
}

type ExpireOptions = { readonly dryRun?: boolean } & {
  readonly [Rule in keyof Retention as `keep${Capitalize<Rule>}`]?: number
}

export async function run(context: CommandContext, options: ExpireOptions, name: string): Promise<void> {
  checkName(name)
  const { dryRun = false, keepLast, keepHourly, keepDaily, keepWeekly, keepMonthly, keepYearly } = options
  const retention: Retention = {
    last: keepLast,
    hourly: keepHourly,
    daily: keepDaily,
    weekly: keepWeekly,
    monthly: keepMonthly,
    yearly: keepYearly,
  }
  if (Object.values(retention).every((count) => count === undefined))
    throw new UsageError(`say what to keep: one of --keep-${RETENTION_RULES.join(', --keep-')}`)
  const { json, output, signal } = context
  const db = dryRun ? await context.openToRead() : await context.openToWrite({ makesRoom: true })
  // In words of a person's, where it is none.
  await findCommit(db, name)
  const { head, commits } = await db.expire(name, { ...retention, dryRun, signal })
  const paint = painter(process.stdout)
  const line = (commit: Commit, reasons: readonly string[]): string =>
    reasons.length === 0
      ? `${dryRun ? 'would drop' : 'dropped'} ${commitLine(commit, paint)}`
      : `${dryRun ? 'would keep' : 'kept'} ${commitLine(commit, paint)}  (${reasons.join(', ')})`
  for (const { commit, reasons } of commits)
    await output.report(
      json ? JSON.stringify({ ...commitJson(commit), kept: reasons }) : line(commit, reasons),
    )
  const kept = commits.filter(({ reasons }) => reasons.length > 0).length
  const would = dryRun ? 'would be ' : ''
  context.note(`${name}: ${kept} ${would}kept, ${commits.length - kept} ${would}dropped; now at ${head}`)
}
