/**
 * Is everything there, and as it was written? Follows every head and pin, and says of each chunk that is wrong which
 * objects need it and which of their bytes or items; and where asked for, reads every stored byte.
 */

import { isNomsyError } from '../../errors.js'
import type { Ref } from '../../hash/ref.js'
import { RefSet } from '../../hash/ref-set.js'
import { type CheckOptions, type ChunkStore, type Sample, sampler } from '../../store/chunk-store.js'
import { Closure } from './closure.js'
import { type Located, Locator } from './locate.js'

/** One thing that is wrong. */
export interface Problem {
  /** What is wrong and where, in words. */
  readonly message: string
  /** The chunk's ref, where it is about one. */
  readonly ref?: Ref
  /** The chunks that cannot be read because of it, where it is about a place in the store. */
  readonly refs?: readonly Ref[]
  /** The head, pin or ref that can no longer be read in full. */
  readonly object?: string
  /** Where in it, if not at its root: `main~3:users/ada`. */
  readonly place?: string
  /** Which bytes or items of what is there. */
  readonly start?: number
  readonly end?: number
  /** Of a map or set, between which keys: after the one, up to and with the other, as steps of a path. */
  readonly keys?: { readonly after?: string; readonly last: string }
  /** Whether a repair has found it to be lost before. */
  readonly isKnown?: true
}

export interface CheckDatabaseOptions extends CheckOptions {
  /** Whether to read and re-hash all data too, and not only what makes up its structure. */
  readonly data?: boolean | undefined
}

/** Everything in `store`. */
export async function* checkAll(
  store: ChunkStore,
  options: CheckDatabaseOptions = {},
): AsyncGenerator<Problem> {
  const { data, sample, signal } = options
  const lost = await lostIn(store)
  const damaged = new RefSet()
  for (const ref of lost) damaged.add(ref)
  if (data === true || sample !== undefined) {
    for await (const { message, refs } of store.check(options)) {
      for (const ref of refs) damaged.add(ref)
      // Of what is known to be lost it is enough to say what it affects.
      const isKnown = refs.length > 0 && refs.every((ref) => lost.has(ref))
      if (!isKnown) yield refs.length > 0 ? { message, refs } : { message }
    }
  }
  const closure = new Closure(store, { readsLeaf: () => false, damaged, signal })
  for await (const { ref } of store.heads.list()) await closure.follow(ref)
  if (closure.isSound) return
  const locator = new Locator(store, closure)
  for await (const { name, ref } of store.heads.list()) {
    for await (const found of locator.under(name, ref, signal)) yield problemOf(name, found, lost)
  }
}

/** One object, which problems call `name`. */
export async function* checkObject(
  store: ChunkStore,
  ref: Ref,
  name: string,
  options: CheckDatabaseOptions = {},
): AsyncGenerator<Problem> {
  const { signal, onProgress } = options
  const lost = await lostIn(store)
  const closure = new Closure(store, { readsLeaf: leavesToRead(options), damaged: lost, signal, onProgress })
  await closure.follow(ref)
  if (closure.isSound) return
  for await (const found of new Locator(store, closure).under(name, ref, signal))
    yield problemOf(name, found, lost)
}

function leavesToRead({
  data,
  sample,
}: {
  data?: boolean | undefined
  sample?: Sample | undefined
}): () => boolean {
  if (sample !== undefined) return sampler(sample)
  return () => data === true
}

/** The chunks that are known to be lost. One that has come back is so no longer. */
async function lostIn(store: ChunkStore): Promise<RefSet> {
  const lost = new RefSet()
  const marked = (await store.lost?.list()) ?? []
  for (const ref of marked) if (!(await isThere(store, ref))) lost.add(ref)
  if (lost.size < marked.length) {
    await store.lost?.replace([...lost]).catch((error: unknown) => {
      if (!isNomsyError(error, 'NOMSY_READ_ONLY')) throw error
    })
  }
  return lost
}

async function isThere(store: ChunkStore, ref: Ref): Promise<boolean> {
  try {
    return (await store.get(ref)) !== undefined
  } catch (error) {
    if (isNomsyError(error, 'NOMSY_DAMAGED_CHUNK')) return false
    throw error
  }
}

function problemOf(object: string, { ref, what, place, range, keys }: Located, lost: RefSet): Problem {
  const isKnown = lost.has(ref) && (what === 'missing' || what === 'damaged')
  const between = keys === undefined ? '' : `${keys.after ? `, after ${keys.after}` : ''}, up to ${keys.last}`
  const where = range === undefined ? '' : ` ${range.unit} ${range.start}-${range.end - 1}${between}:`
  return {
    message: `${place}:${where} chunk ${ref} is ${isKnown ? 'lost, as is known' : what}`,
    ref,
    object,
    ...(place !== object && { place }),
    ...(range !== undefined && { start: range.start, end: range.end }),
    ...(keys !== undefined && { keys }),
    ...(isKnown && { isKnown }),
  }
}
