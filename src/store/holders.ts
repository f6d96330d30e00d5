/**
 * Who relies on chunks that no head holds: writes under way, by what they have found, and whoever has objects open. A
 * collection lets those end and keeps what these name.
 */

import type { Ref } from '../hash/ref.js'
import type { Holder } from './chunk-store.js'

export class Holders implements Holder {
  /** Writes under way, which rely on what they have found. */
  readonly #writes = new Set<Promise<unknown>>()
  readonly #holders = new Set<Holder>()
  /** While a collection goes on: whom it waits for. */
  #awaited: Promise<unknown>[] | undefined

  /** Runs `body` as one write. */
  async writing<T>(body: () => Promise<T>): Promise<T> {
    const write = body()
    this.#writes.add(write)
    try {
      return await write
    } finally {
      this.#writes.delete(write)
    }
  }

  /** Whether there are writes under way. */
  get areWriting(): boolean {
    return this.#writes.size > 0
  }

  /** Adds a holder; gives what takes it away. Who comes while a collection goes on is asked as well. */
  add(holder: Holder): () => void {
    this.#holders.add(holder)
    this.#awaited?.push(...settled(holder))
    return () => {
      this.#holders.delete(holder)
    }
  }

  /** A collection begins: what is found from now on is kept. */
  begin(): void {
    this.#awaited = [...this.#writes, ...[...this.#holders].flatMap(settled)]
  }

  /** Resolves when some have ended that the collection waits for; undefined where there are none. */
  next(): Promise<unknown> | undefined {
    const awaited = this.#awaited?.splice(0) ?? []
    return awaited.length === 0 ? undefined : Promise.allSettled(awaited)
  }

  /** A collection begins that goes on elsewhere: resolves when all have ended that it waits for. */
  async settle(): Promise<void> {
    this.begin()
    for (let some = this.next(); some !== undefined; some = this.next()) await some
  }

  /** The collection has ended. */
  ended(): void {
    this.#awaited = undefined
    for (const holder of this.#holders) holder.ended?.()
  }

  /** What is to stay now. */
  held(): Ref[] {
    return [...this.#holders].flatMap((holder) => [...holder.held()])
  }
}

function settled(holder: Holder): Promise<void>[] {
  return holder.settle === undefined ? [] : [holder.settle()]
}
