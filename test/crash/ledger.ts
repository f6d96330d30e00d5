/**
 * What a store was asked for and what it has acknowledged, and with that, what may be found in it after a crash:
 * every acknowledged chunk, and of every head the last acknowledged value or one that was asked for later.
 */

/** A ref's text, or undefined for a head that is absent. */
export type HeadValue = string | undefined

export type Note =
  /** A put resolved. */
  | { readonly kind: 'put'; readonly refs: readonly string[] }
  /** A call is made that will make durable what was put before it. */
  | { readonly kind: 'asked'; readonly call: number; readonly head?: readonly [string, HeadValue] }
  /** It resolved. */
  | { readonly kind: 'acknowledged'; readonly call: number }
  /** It was refused, since the head is `actual`. */
  | { readonly kind: 'refused'; readonly call: number; readonly actual: HeadValue }
  /** What is not among `kept`, and is not put after this, may be gone. */
  | { readonly kind: 'collecting'; readonly kept: ReadonlySet<string> }
  /** The store was opened again and showed this; what it does not show is gone for good. */
  | { readonly kind: 'opened'; readonly seen: Contents }

/** What a store holds, as its readers see it. */
export interface Contents {
  readonly heads: ReadonlyMap<string, string>
  readonly refs: ReadonlySet<string>
}

interface Ask {
  readonly call: number
  readonly value: HeadValue
}

interface Call {
  readonly refs: readonly string[]
  readonly head: readonly [string, HeadValue] | undefined
}

const ABSENT: readonly Ask[] = [{ call: -1, value: undefined }]

export class Ledger {
  #put: Set<string>
  #durable: Set<string>
  /** By head: the last acknowledged value, and those asked for since. */
  #asks: Map<string, readonly Ask[]>
  #calls: Map<number, Call>

  constructor(from?: Ledger) {
    this.#put = new Set(from === undefined ? [] : from.#put)
    this.#durable = new Set(from === undefined ? [] : from.#durable)
    this.#asks = new Map(from === undefined ? [] : from.#asks)
    this.#calls = new Map(from === undefined ? [] : from.#calls)
  }

  take(note: Note): void {
    switch (note.kind) {
      case 'put':
        for (const ref of note.refs) this.#put.add(ref)
        break
      case 'asked':
        this.#calls.set(note.call, { refs: [...this.#put], head: note.head })
        if (note.head !== undefined) {
          const [name, value] = note.head
          this.#asks.set(name, [...this.#asksOf(name), { call: note.call, value }])
        }
        break
      case 'acknowledged': {
        const head = this.#flushed(note.call)
        if (head !== undefined)
          this.#drop(head[0], (asks) => asks.findIndex(({ call }) => call === note.call))
        break
      }
      case 'refused': {
        // What the head is instead is durable; of chunks nothing is said.
        const { head } = this.#calls.get(note.call)!
        if (head === undefined) break
        const [name] = head
        this.#asks.set(
          name,
          this.#asksOf(name).filter(({ call }) => call !== note.call),
        )
        // Of several that asked for the same it may have been the first.
        this.#drop(name, (asks) => asks.findIndex(({ value }) => value === note.actual))
        break
      }
      case 'collecting': {
        const isKept = (ref: string): boolean => note.kept.has(ref)
        this.#put = new Set([...this.#put].filter(isKept))
        this.#durable = new Set([...this.#durable].filter(isKept))
        for (const [call, { refs, head }] of this.#calls)
          this.#calls.set(call, { refs: refs.filter(isKept), head })
        break
      }
      case 'opened':
        this.#put = new Set(note.seen.refs)
        this.#durable = new Set(note.seen.refs)
        this.#asks = new Map([...note.seen.heads].map(([name, value]) => [name, [{ call: -1, value }]]))
        break
    }
  }

  /** What is wrong with `seen`, in words. */
  problems({ heads, refs }: Contents): string[] {
    const problems: string[] = []
    for (const ref of this.#durable) if (!refs.has(ref)) problems.push(`acknowledged chunk ${ref} is lost`)
    for (const name of new Set([...heads.keys(), ...this.#asks.keys()])) {
      const value = heads.get(name)
      const allowed = this.#asksOf(name)
      if (allowed.some((ask) => ask.value === value)) continue
      problems.push(`head ${name} is ${value}, not ${allowed.map((ask) => String(ask.value)).join(' or ')}`)
    }
    return problems
  }

  #asksOf(name: string): readonly Ask[] {
    return this.#asks.get(name) ?? ABSENT
  }

  /** The chunks that the call covers are durable; the head that it moved. */
  #flushed(call: number): readonly [string, HeadValue] | undefined {
    const { refs, head } = this.#calls.get(call)!
    for (const ref of refs) this.#durable.add(ref)
    return head
  }

  /** What the head was before the ask that `find` gives cannot be found any more. */
  #drop(name: string, find: (asks: readonly Ask[]) => number): void {
    const asks = this.#asksOf(name)
    const index = find(asks)
    if (index > 0) this.#asks.set(name, asks.slice(index))
  }
}
