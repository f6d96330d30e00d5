/**
 * The meta levels of a tree that is written from the left: each node's ref goes in one level up, until a level has one
 * node, the root. SPEC "Trees".
 */

import { REF_BYTES, type Ref } from '../hash/ref.js'
import type { BoundaryRule } from './boundary.js'
import { Chunker } from './chunker.js'
import type { SequenceFormat } from './format.js'
import type { MetaNode } from './node.js'
import { encodeMeta, type KeyRun, MAX_CHILDREN } from './node-codec.js'

/** Where each ref ends in a list of them. */
const REF_ENDS = Uint32Array.from({ length: MAX_CHILDREN }, (_, index) => (index + 1) * REF_BYTES)

/** A tree: its root's ref and the items in it. */
export interface Root {
  readonly ref: Ref
  readonly length: number
}

/** A child as its parent knows it. */
export interface Child extends Root {
  readonly lastKey: Uint8Array | undefined
}

/** Takes the chunk of a node, which it keeps, and gives its ref. */
export type AddChunk = (chunk: Uint8Array) => Ref

export class MetaLevels {
  readonly #format: SequenceFormat
  readonly #rule: BoundaryRule
  readonly #add: AddChunk
  /** Level 1 first; one exists once it has been given a child. */
  readonly #levels: MetaLevel[] = []

  constructor(format: SequenceFormat, rule: BoundaryRule, add: AddChunk) {
    this.#format = format
    this.#rule = rule
    this.#add = add
  }

  /** Whether nothing was added. */
  get isEmpty(): boolean {
    return this.#levels.length === 0
  }

  /** Children at `level` since its last boundary. */
  count(level: number): number {
    return this.#levels[level - 1]?.count ?? 0
  }

  /** Adds a leaf. */
  push(leaf: Child): void {
    this.#level(1).push(leaf)
  }

  /** Adds the children of `node` from `start` to `end`. */
  pushChildren(node: MetaNode, start: number, end: number): void {
    this.#level(node.level).pushChildren(node, start, end)
  }

  /** Ends every level and gives the root. Something is to have been added. */
  finish(): Root {
    for (let index = 0; ; index++) {
      const level = this.#levels[index]!
      const isTop = index === this.#levels.length - 1
      if (isTop && level.count === 1) return level.lastChild
      level.flush()
    }
  }

  #level(level: number): MetaLevel {
    while (this.#levels.length < level) {
      const above = this.#levels.length + 2
      this.#levels.push(
        new MetaLevel(this.#format, this.#rule, above - 1, this.#add, (node) =>
          this.#level(above).push(node),
        ),
      )
    }
    return this.#levels[level - 1]!
  }
}

/** One meta level: gathers children until a boundary, then makes their node and hands it up. */
class MetaLevel {
  readonly #chunker: Chunker
  readonly #isKeyed: boolean
  /** Of the children since the last boundary. */
  readonly #lengths: number[] = []
  readonly #lastKeys: KeyRun[] = []
  #lastChild: Child | undefined

  constructor(
    format: SequenceFormat,
    rule: BoundaryRule,
    level: number,
    add: AddChunk,
    emit: (node: Child) => void,
  ) {
    this.#isKeyed = format.keys !== undefined
    this.#chunker = new Chunker(rule, (refs, count) => {
      const lengths = this.#lengths.splice(0, count)
      const lastKeys = this.#isKeyed ? takeKeys(this.#lastKeys, count) : undefined
      const chunk = encodeMeta(format.kind, level, refs, lengths, lastKeys)
      const length = lengths.reduce((sum, each) => sum + each, 0)
      if (!Number.isSafeInteger(length))
        throw new RangeError('no value may have more than 2^53-1 bytes or items')
      emit({ ref: add(chunk), length, lastKey: lastKeys && lastOf(lastKeys) })
    })
  }

  get count(): number {
    return this.#chunker.count
  }

  get lastChild(): Child {
    return this.#lastChild!
  }

  push(child: Child): void {
    const { ref, length, lastKey } = child
    this.#lastChild = child
    this.#lengths.push(length)
    if (lastKey !== undefined) this.#lastKeys.push({ items: lastKey, ends: [lastKey.length], from: 0, to: 1 })
    this.#chunker.push(ref.bytes)
  }

  pushChildren(node: MetaNode, start: number, end: number): void {
    for (let index = start; index < end; index++) this.#lengths.push(node.childLength(index))
    if (node.lastKeys !== undefined) this.#lastKeys.push({ ...node.lastKeys, from: start, to: end })
    const last = end - 1
    this.#lastChild = {
      ref: node.childRef(last),
      length: node.childLength(last),
      lastKey: node.lastKey(last),
    }
    this.#chunker.pushRun(node.refs.bytes, REF_ENDS, start, end)
  }

  flush(): void {
    this.#chunker.flush()
  }
}

/** Takes the first `count` keys away from `runs`. */
function takeKeys(runs: KeyRun[], count: number): KeyRun[] {
  const taken: KeyRun[] = []
  for (let left = count; left > 0; ) {
    const run = runs[0]!
    const end = Math.min(run.from + left, run.to)
    taken.push({ ...run, to: end })
    left -= end - run.from
    if (end === run.to) runs.shift()
    else runs[0] = { ...run, from: end }
  }
  return taken
}

/** A copy of the last key of `runs`. */
function lastOf(runs: readonly KeyRun[]): Uint8Array {
  const { items, ends, to } = runs[runs.length - 1]!
  return items.slice(to === 1 ? 0 : ends[to - 2]!, ends[to - 1]!)
}
