/**
 * The meta levels of a tree that is written from the left: each node's ref goes in one level up, until a level has one
 * node, the root. SPEC "Trees".
 */

import { REF_BYTES, type Ref } from '../hash/ref.js'
import type { BoundaryRule } from './boundary.js'
import { Chunker } from './chunker.js'
import type { SequenceFormat } from './format.js'
import type { MetaNode } from './node.js'
import { type ChildRun, MAX_CHILDREN, makeMeta } from './node-codec.js'

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

/** Takes a node and its chunk, which it keeps, and gives its ref. */
export type AddMeta = (chunk: Uint8Array, node: MetaNode) => Ref

export class MetaLevels {
  readonly #format: SequenceFormat
  readonly #rule: BoundaryRule
  readonly #add: AddMeta
  /** Level 1 first; one exists once it has been given a child. */
  readonly #levels: MetaLevel[] = []

  constructor(format: SequenceFormat, rule: BoundaryRule, add: AddMeta) {
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
  /** Of the children since the last boundary. */
  readonly #runs: ChildRun[] = []
  #lastChild: Child | undefined

  constructor(
    format: SequenceFormat,
    rule: BoundaryRule,
    level: number,
    add: AddMeta,
    emit: (node: Child) => void,
  ) {
    this.#chunker = new Chunker(rule, (refs, count) => {
      const { chunk, node } = makeMeta(format.kind, level, refs, takeChildren(this.#runs, count))
      emit({ ref: add(chunk, node), length: node.length, lastKey: node.lastKey(count - 1)?.slice() })
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
    const lastKeys = lastKey && { items: lastKey, ends: [lastKey.length] }
    this.#runs.push({ children: { ends: [length], lastKeys }, from: 0, to: 1 })
    this.#chunker.push(ref.bytes)
  }

  pushChildren(node: MetaNode, start: number, end: number): void {
    this.#runs.push({ children: node, from: start, to: end })
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

/** Takes the first `count` children away from `runs`. */
function takeChildren(runs: ChildRun[], count: number): ChildRun[] {
  let whole = 0
  let left = count
  while (whole < runs.length && left >= runs[whole]!.to - runs[whole]!.from) {
    left -= runs[whole]!.to - runs[whole]!.from
    whole++
  }
  const taken = runs.splice(0, whole)
  const [cut] = runs
  if (left > 0 && cut !== undefined) {
    const middle = cut.from + left
    taken.push({ ...cut, to: middle })
    runs[0] = { ...cut, from: middle }
  }
  return taken
}
