/** The names of users and groups, as the system knows them, each looked up once. */

import { groupName, userName } from './owner-calls.js'

export class OwnerNames {
  readonly #users = new Map<number, string | undefined>()
  readonly #groups = new Map<number, string | undefined>()

  user(uid: number): string | undefined {
    if (!this.#users.has(uid)) this.#users.set(uid, userName(uid))
    return this.#users.get(uid)
  }

  group(gid: number): string | undefined {
    if (!this.#groups.has(gid)) this.#groups.set(gid, groupName(gid))
    return this.#groups.get(gid)
  }

  /** All that was looked up: `[id, name]`s of users, and of groups; the name is null where there is none. */
  used(): [OwnerName[], OwnerName[]] {
    return [known(this.#users), known(this.#groups)]
  }

  /** Whether the system says today what `used` once gave; else somebody was renamed. */
  stillSays([users, groups]: readonly [readonly OwnerName[], readonly OwnerName[]]): boolean {
    return (
      users.every(([uid, name]) => (this.user(uid) ?? null) === name) &&
      groups.every(([gid, name]) => (this.group(gid) ?? null) === name)
    )
  }
}

export type OwnerName = [id: number, name: string | null]

function known(names: ReadonlyMap<number, string | undefined>): OwnerName[] {
  return [...names].map(([id, name]) => [id, name ?? null])
}
