/** Whom files are given to: users and groups by their names, where this system knows them, else by their numbers. */

import type { Attributes } from '../entry.js'
import { KEEP_OWNER } from './file-table.js'
import { groupId, userId } from './owner-calls.js'

export interface Owner {
  readonly uid: number
  readonly gid: number
}

export class Owners {
  readonly #users = new Map<string, number | undefined>()
  readonly #groups = new Map<string, number | undefined>()

  /** {@link KEEP_OWNER} for what was not recorded. */
  of({ uid, gid, user, group }: Attributes): Owner {
    return {
      uid: known(this.#users, user, userId) ?? uid ?? KEEP_OWNER,
      gid: known(this.#groups, group, groupId) ?? gid ?? KEEP_OWNER,
    }
  }
}

/** Names that are remembered; a hostile tree has any number of them. */
const MAX_NAMES = 10_000

function known(
  ids: Map<string, number | undefined>,
  name: string | undefined,
  find: (name: string) => number | undefined,
): number | undefined {
  // A NUL would end the name early.
  if (name === undefined || name === '' || name.includes('\0')) return undefined
  if (!ids.has(name)) {
    if (ids.size >= MAX_NAMES) ids.clear()
    ids.set(name, find(name))
  }
  return ids.get(name)
}
