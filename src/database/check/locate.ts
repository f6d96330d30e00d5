/**
 * Where in an object what a closure found wrong is needed: the way down from a head to each such chunk, told once a
 * head, at the first place where it is met.
 */

import { BLOB_FORMAT } from '../../blob/blob-format.js'
import { readItem, readKey } from '../../collection/read-item.js'
import type { Ref } from '../../hash/ref.js'
import { RefSet } from '../../hash/ref-set.js'
import { kindOf } from '../../sequence/kind.js'
import { Leaf, MetaNode } from '../../sequence/node.js'
import type { ChunkStore } from '../../store/chunk-store.js'
import { DIR_FORMAT } from '../../tree/dir-format.js'
import type { Commit } from '../commit.js'
import type { Closure } from './closure.js'
import { type Edge, edgeKey, edgeTo, type Found, lookAt } from './edge.js'
import { contentsOf } from './entries.js'
import { type FoundRef, keyStep, type Place, placeText, refsInLeaf, refsInValue } from './place.js'

/** A chunk that is wrong, and what cannot be read because of it. */
export interface Located {
  readonly ref: Ref
  readonly what: string
  /** Where, as {@link placeText} writes it. */
  readonly place: string
  /** Which bytes or items of the value there; absent where it is all of it. */
  readonly range?: { readonly start: number; readonly end: number; readonly unit: 'bytes' | 'items' }
  /** Of a map or set, between which keys: after the one, up to and with the other. */
  readonly keys?: { readonly after?: string; readonly last: string }
}

/** An edge, where it leads, and the position there of the first item under it. */
interface Way {
  readonly edge: Edge
  readonly place: Place
  readonly start: number
}

/** A chunk on the way down: the ways from it that are still to be gone. */
interface Frame {
  readonly key: Ref
  readonly ways: Iterator<Way>
  isSound: boolean
}

export class Locator {
  readonly #store: ChunkStore
  readonly #closure: Closure
  /** Keys of edges under which nothing is wrong, for any head. */
  readonly #sound = new RefSet()

  constructor(store: ChunkStore, closure: Closure) {
    this.#store = store
    this.#closure = closure
  }

  /** Everything that is wrong under `ref`, which is called `name`. */
  async *under(name: string, ref: Ref, signal?: AbortSignal): AsyncGenerator<Located> {
    const told = new RefSet()
    const root: Way = { edge: edgeTo(ref), place: { object: name, steps: [] }, start: 0 }
    const frames: Frame[] = [{ key: ref, ways: [root].values(), isSound: true }]
    while (frames.length > 0) {
      const frame = frames[frames.length - 1]!
      const { done, value: way } = frame.ways.next()
      if (done) {
        frames.pop()
        if (frame.isSound) this.#sound.add(frame.key)
        else if (frames.length > 0) frames[frames.length - 1]!.isSound = false
        continue
      }
      signal?.throwIfAborted()
      const key = edgeKey(way.edge)
      if (this.#sound.has(key)) continue
      const what = this.#closure.wrongWith(way.edge)
      const isNew = told.add(key)
      // What is wrong or was met before, and is not sound, is not gone into.
      if (what !== undefined || !isNew) {
        frame.isSound = false
        if (what !== undefined && isNew) yield located(way, what)
        continue
      }
      const ways = await this.#waysFrom(way)
      if (ways !== undefined) frames.push({ key, ways, isSound: true })
    }
  }

  /** The ways from a chunk; undefined where it can no longer be read. */
  async #waysFrom(way: Way): Promise<Iterator<Way> | undefined> {
    const { edge } = way
    const chunk = await this.#store.get(edge.ref)
    const found = chunk && lookAt(edge, chunk)
    if (found === undefined || typeof found === 'string') return undefined
    if (found.node instanceof MetaNode) return this.#waysToChildren(way, found)
    return waysToRefs(way, found, chunk!).values()
  }

  /** Blobs' leaves are passed over where nothing is wrong with them: nothing is under them. */
  *#waysToChildren({ place, start }: Way, { node, format, edges }: Found): Generator<Way> {
    const meta = node as MetaNode
    for (const [index, edge] of edges.entries()) {
      const isLeaf = format === BLOB_FORMAT && meta.level === 1
      if (isLeaf && this.#closure.wrongWith(edge) === undefined) continue
      yield { edge, place, start: start + meta.childStart(index) }
    }
  }
}

/** The ways by the refs in a chunk that is no meta node. */
function waysToRefs(
  { edge: { ref }, place, start }: Way,
  { node, format, commit, edges }: Found,
  chunk: Uint8Array,
): Way[] {
  if (commit !== undefined)
    return edges.map((edge) => ({ edge, place: commitPlace(place, commit, edge), start: 0 }))
  const into = ({ ref, steps }: FoundRef): Way => ({
    edge: edgeTo(ref),
    place: { ...place, steps: [...place.steps, ...steps] },
    start: 0,
  })
  if (node instanceof Leaf && format === DIR_FORMAT)
    return contentsOf(ref, node).map(({ name, ...edge }) => ({
      edge,
      place: { ...place, steps: [...place.steps, keyStep(name)] },
      start: 0,
    }))
  if (node instanceof Leaf && format !== undefined) return refsInLeaf(format.kind, node, start).map(into)
  if (kindOf(chunk) === 'value') return refsInValue(chunk).map(into)
  // Of other kinds it is not known what their refs are called.
  return edges.map((edge) => ({ edge, place, start: 0 }))
}

/** What a commit refers to is found by the commit's own name, its first parent by the name of the one before. */
function commitPlace(place: Place, { parents }: Commit, { ref }: Edge): Place {
  const parent = parents.findIndex((each) => each.equals(ref))
  if (parent < 0) return place
  if (parent > 0) return { object: ref.toString(), steps: [] }
  const [name, count = '0'] = place.object.split('~')
  return { object: `${name}~${Number(count) + 1}`, steps: [] }
}

function located({ edge: { ref, parent }, place, start }: Way, what: string): Located {
  const base = { ref, what, place: placeText(place) }
  if (parent === undefined) return base
  const { node, index, format } = parent
  const end = start + node.childLength(index)
  const range = { start, end, unit: format === BLOB_FORMAT ? ('bytes' as const) : ('items' as const) }
  const last = node.lastKey(index)
  if (last === undefined) return { ...base, range }
  const after = index > 0 && { after: keyText(node.lastKey(index - 1)!) }
  return { ...base, range, keys: { ...after, last: keyText(last) } }
}

function keyText(key: Uint8Array): string {
  return keyStep(readItem(key, readKey))
}
