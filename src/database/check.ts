/**
 * Is everything there, and as it was written? Reads what is stored, then follows every head and pin, and says of
 * each chunk that is damaged or missing which objects need it and which of their bytes or items.
 */

import { BLOB_FORMAT } from '../blob/blob-format.js'
import { LIST_FORMAT, MAP_FORMAT, SET_FORMAT } from '../collection/collection-format.js'
import { DamagedChunkError, EncodingError, InvalidNodeError, NomsyError } from '../errors.js'
import type { Ref } from '../hash/ref.js'
import { whyNotChild } from '../sequence/child-check.js'
import type { SequenceFormat } from '../sequence/format.js'
import { kindOf } from '../sequence/kind.js'
import { MetaNode, type Node } from '../sequence/node.js'
import { decodeNode } from '../sequence/node-codec.js'
import { childrenOf } from '../sequence/walk.js'
import type { CheckOptions, ChunkStore } from '../store/chunk-store.js'
import { COMMIT_KIND, decodeCommit } from './commit.js'

/** Chunks read at once. */
const BATCH_CHUNKS = 64

/** Kinds of which nodes are held against what is known of them; of others it is enough that their children are there. */
const FORMATS = new Map(
  [BLOB_FORMAT, LIST_FORMAT, MAP_FORMAT, SET_FORMAT].map((format) => [format.kind, format]),
)

/** One thing that is wrong. */
export interface Problem {
  /** What is wrong and where, in words. */
  readonly message: string
  /** The chunk's ref, where it is about one. */
  readonly ref?: Ref
  /** The head, pin or ref that can no longer be read in full, and which of its bytes or items. */
  readonly object?: string
  readonly start?: number
  readonly end?: number
}

/** An object to follow: what it is called and its ref. */
interface Followed {
  readonly name: string
  readonly ref: Ref
}

/** Everything in `store`: all that is stored is re-hashed, all that heads and pins need is accounted for. */
export async function* checkAll(store: ChunkStore, options: CheckOptions = {}): AsyncGenerator<Problem> {
  const damaged = new Set<string>()
  for await (const finding of store.check(options)) {
    for (const ref of finding.refs) damaged.add(ref.toString())
    yield { message: finding.message }
  }
  // What is stored has been read by now; what follows is no progress in that.
  const checker = new TreeChecker(store, damaged, false, { signal: options.signal })
  for await (const { name, ref } of store.heads.list()) yield* checker.follow({ name, ref })
}

/** One object: every chunk under `ref` is read and re-hashed. `name` is what it is called in problems. */
export async function* checkObject(
  store: ChunkStore,
  ref: Ref,
  name: string,
  options: CheckOptions = {},
): AsyncGenerator<Problem> {
  yield* new TreeChecker(store, new Set(), true, options).follow({ name, ref })
}

/** Follows trees; what was found whole is not followed twice. */
class TreeChecker {
  readonly #store: ChunkStore
  /** Refs known to be damaged. */
  readonly #damaged: ReadonlySet<string>
  /** Whether leaves are read; else it is enough that the index has them. */
  readonly #readsLeaves: boolean
  readonly #options: CheckOptions
  /** Chunks under which nothing is wrong, and those of the object being followed under which something is. */
  readonly #whole = new Set<string>()
  readonly #told = new Set<string>()

  constructor(store: ChunkStore, damaged: ReadonlySet<string>, readsLeaves: boolean, options: CheckOptions) {
    this.#store = store
    this.#damaged = damaged
    this.#readsLeaves = readsLeaves
    this.#options = options
  }

  /** Tells of each chunk once, however often the object needs it. */
  async *follow(object: Followed): AsyncGenerator<Problem> {
    this.#told.clear()
    yield* this.#chunk(object, object.ref, undefined)
  }

  /** `expected`: what the parent says, where there is one that says so. */
  async *#chunk(object: Followed, ref: Ref, expected: Expected | undefined): AsyncGenerator<Problem> {
    const text = ref.toString()
    if (this.#whole.has(text) || this.#told.has(text)) return
    let problems = 0
    for await (const problem of this.#chunkAnew(object, ref, expected)) {
      problems++
      yield problem
    }
    if (problems === 0) this.#whole.add(text)
    else this.#told.add(text)
  }

  async *#chunkAnew(object: Followed, ref: Ref, expected: Expected | undefined): AsyncGenerator<Problem> {
    this.#options.signal?.throwIfAborted()
    const bytes = await this.#read(ref)
    if (bytes instanceof Error || bytes === undefined) {
      yield problem(object, ref, expected, bytes instanceof Error ? 'damaged' : 'missing')
      return
    }
    const format = expected?.format ?? FORMATS.get(kindOf(bytes) ?? '')
    let children: Ref[]
    let node: Node | undefined
    try {
      children = childrenOf(ref, bytes)
      node = format && decodeNode(format, bytes)
      if (kindOf(bytes) === COMMIT_KIND) decodeCommit(ref, bytes)
    } catch (error) {
      if (!(error instanceof EncodingError || error instanceof InvalidNodeError)) throw error
      yield problem(object, ref, expected, 'no valid node')
      return
    }
    if (expected !== undefined && !isExpected(node!, expected)) {
      yield problem(object, ref, expected, 'not what its parent says')
      return
    }
    if (!(node instanceof MetaNode)) {
      for (const child of children) yield* this.#chunk(object, child, undefined)
      return
    }
    const start = expected?.start ?? 0
    if (node.level === 1 && format === BLOB_FORMAT) {
      yield* this.#blobLeaves(object, node, start)
      return
    }
    for (let index = 0; index < node.childCount; index++) {
      yield* this.#chunk(object, node.childRef(index), expectedChild(format!, node, index, start))
    }
  }

  /** Nothing is under a blob's leaves, so that they need not be read. */
  async *#blobLeaves(object: Followed, node: MetaNode, start: number): AsyncGenerator<Problem> {
    for (let from = 0; from < node.childCount; from += BATCH_CHUNKS) {
      const to = Math.min(from + BATCH_CHUNKS, node.childCount)
      const refs = Array.from({ length: to - from }, (_, index) => node.childRef(from + index))
      const found = this.#readsLeaves ? await this.#readMany(refs) : await this.#store.hasMany(refs)
      for (const [index, ref] of refs.entries()) {
        const expected = expectedChild(BLOB_FORMAT, node, from + index, start)
        const what = this.#wrongWith(ref, found[index], expected)
        if (what === undefined || this.#told.has(ref.toString())) continue
        this.#told.add(ref.toString())
        yield problem(object, ref, expected, what)
      }
      this.#options.signal?.throwIfAborted()
      this.#options.onProgress?.(node.ends[to - 1]! - node.childStart(from), 0)
    }
  }

  /** What is wrong with a blob's leaf: read, known to the index or not, or not readable. */
  #wrongWith(
    ref: Ref,
    leaf: Uint8Array | boolean | Error | undefined,
    expected: Expected,
  ): string | undefined {
    if (leaf instanceof Error || this.#damaged.has(ref.toString())) return 'damaged'
    if (leaf === undefined || leaf === false) return 'missing'
    return leaf === true || isBlobLeaf(leaf, expected) ? undefined : 'not what its parent says'
  }

  /** The chunk's bytes, undefined where it is missing, an error where it is damaged. */
  async #read(ref: Ref): Promise<Uint8Array | undefined | NomsyError> {
    if (this.#damaged.has(ref.toString())) return new DamagedChunkError(ref.toString(), this.#store.location)
    try {
      return await this.#store.get(ref)
    } catch (error) {
      if (error instanceof NomsyError && error.code === 'NOMSY_DAMAGED_CHUNK') return error
      throw error
    }
  }

  async #readMany(refs: readonly Ref[]): Promise<(Uint8Array | undefined | NomsyError)[]> {
    try {
      return await this.#store.getMany(refs)
    } catch (error) {
      if (!(error instanceof NomsyError) || error.code !== 'NOMSY_DAMAGED_CHUNK') throw error
      return Promise.all(refs.map((ref) => this.#read(ref)))
    }
  }
}

/** A child of a node of some kind, whose bytes or items begin at `start` of the whole. */
interface Expected {
  readonly format: SequenceFormat
  readonly parent: MetaNode
  readonly index: number
  readonly start: number
}

function expectedChild(format: SequenceFormat, parent: MetaNode, index: number, start: number): Expected {
  return { format, parent, index, start: start + parent.childStart(index) }
}

function isExpected(node: Node, { format, parent, index }: Expected): boolean {
  return whyNotChild(format, parent, index, node) === undefined
}

function isBlobLeaf(bytes: Uint8Array, expected: Expected): boolean {
  try {
    return isExpected(decodeNode(BLOB_FORMAT, bytes), expected)
  } catch (error) {
    if (error instanceof EncodingError) return false
    throw error
  }
}

function problem(object: Followed, ref: Ref, expected: Expected | undefined, what: string): Problem {
  const base = { ref, object: object.name }
  if (expected === undefined) return { ...base, message: `${object.name}: chunk ${ref} is ${what}` }
  const { format, parent, index, start } = expected
  const end = start + parent.childLength(index)
  const unit = format === BLOB_FORMAT ? 'bytes' : 'items'
  return {
    ...base,
    start,
    end,
    message: `${object.name}: ${unit} ${start}-${end - 1}: chunk ${ref} is ${what}`,
  }
}
