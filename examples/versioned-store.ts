/** A key-value store that forgets nothing: every write is a commit, and every state of before can be read. */

import type { Commit, Database, SortedMap, Value } from '../src/index.js'

export class VersionedStore {
  readonly #db: Database
  readonly #name: string

  /** The store that the head `name` of `db` names, or will once something has been written. */
  constructor(db: Database, name: string) {
    this.#db = db
    this.#name = name
  }

  /** Writes many keys as one commit; begins again where somebody else was faster. */
  write(entries: Iterable<readonly [string, Value]>, message = ''): Promise<Commit> {
    const all = [...entries]
    return this.#db.update(
      this.#name,
      async (present) => {
        const edit = (await this.#db.map<string, Value>(present)).edit()
        for (const [key, value] of all) edit.set(key, value)
        return edit.done()
      },
      { message },
    )
  }

  /** What is stored under `key` now, or was so many commits ago; undefined if there is nothing. */
  async get(key: string, commitsAgo = 0): Promise<Value | undefined> {
    return (await this.#state(commitsAgo)).get(key)
  }

  /** The values that `key` has had, the present one first; each once for as long as it stayed. */
  async *history(key: string): AsyncGenerator<Value | undefined> {
    let last: SortedMap<string, Value> | undefined
    for await (const { value } of this.#db.log(this.#name)) {
      const state = await this.#db.map<string, Value>(value)
      if (last === undefined || (await changes(state, last, key))) yield await state.get(key)
      last = state
    }
  }

  async #state(commitsAgo: number): Promise<SortedMap<string, Value>> {
    return this.#db.map<string, Value>(await this.#db.at(`${this.#name}~${commitsAgo}`))
  }
}

/** Whether `key` is among what differs, which costs what differs and not what is stored. */
async function changes(
  a: SortedMap<string, Value>,
  b: SortedMap<string, Value>,
  key: string,
): Promise<boolean> {
  for await (const change of a.diff(b)) if (change.key === key) return true
  return false
}
