/**
 * A commit: a value, what was said about it, and the commits it followed. SPEC "Commits".
 *
 *     ["commit", 0, {generation, message, parents, time, value, ...meta}]
 */

import type { Storable, Value } from '../collection/value.js'
import { decode } from '../encoding/decode.js'
import { Writer } from '../encoding/encode.js'
import { type Value as AnyValue, type Referable, storedAs, type ValueRecord } from '../encoding/value.js'
import { EncodingError, InvalidNodeError } from '../errors.js'
import { Ref } from '../hash/ref.js'
import { RefList } from '../hash/ref-list.js'
import { kindOf } from '../sequence/kind.js'
import { PLAIN_RULES } from './plain-value.js'

export const COMMIT_KIND = 'commit'

/** What every commit says, and `meta` therefore cannot. */
const FIELDS = ['generation', 'message', 'parents', 'time', 'value']

/** What a commit says; `T` is what its further fields hold. */
export interface CommitFields<T extends Storable> {
  readonly generation: number
  readonly message: string
  readonly parents: readonly Ref[]
  readonly time: number
  readonly value: Ref
  readonly meta: { readonly [key: string]: T }
}

export class Commit implements CommitFields<Value>, Referable {
  readonly ref: Ref
  /** 1 + the highest generation of the parents; 1 without parents. */
  readonly generation: number
  readonly message: string
  /** The commits that this one followed: none, one, or those that were merged, the head's own first. */
  readonly parents: readonly Ref[]
  /** Milliseconds since 1970. */
  readonly time: number
  /** What was committed: any object. */
  readonly value: Ref
  /** Whatever else was said of it. */
  readonly meta: { readonly [key: string]: Value }

  /** @internal */
  constructor(ref: Ref, fields: CommitFields<Value>) {
    this.ref = ref
    this.generation = fields.generation
    this.message = fields.message
    this.parents = fields.parents
    this.time = fields.time
    this.value = fields.value
    this.meta = fields.meta
  }

  /** As which it is stored where it is put into a value. */
  get [storedAs](): Ref {
    return this.ref
  }
}

/** The chunk of a commit. Throws a TypeError or RangeError that names the field that cannot be stored. */
export function encodeCommit({ meta, ...fields }: CommitFields<Storable>): Uint8Array {
  const { generation, message, parents, time } = fields
  if (typeof message !== 'string') throw new TypeError(`commit.message is a ${typeof message}, not a string`)
  if (!Number.isSafeInteger(time))
    throw new RangeError(`commit.time is ${time}, not a whole number of milliseconds since 1970`)
  if (!Number.isSafeInteger(generation)) throw new RangeError('commit.generation is above 2^53-1')
  checkMeta(meta)
  const writer = new Writer()
  writer.arrayHeader(3)
  writer.string(COMMIT_KIND)
  writer.number(0)
  writer.item({ ...meta, ...fields, parents: RefList.of(parents) }, 'commit')
  return writer.bytes().slice()
}

/** The commit in the chunk `ref`. Throws NOMSY_INVALID_NODE where it is none, or not as commits are. */
export function decodeCommit(ref: Ref, chunk: Uint8Array): Commit {
  const kind = kindOf(chunk)
  if (kind !== COMMIT_KIND)
    throw new InvalidNodeError(ref.toString(), `${kind ?? 'nothing known'} and no commit`)
  let value: AnyValue
  try {
    // Of a copy, so that nobody's changes to what is in it reach the store's.
    value = decode(new Uint8Array(chunk))
  } catch (cause) {
    if (!(cause instanceof EncodingError)) throw cause
    throw new InvalidNodeError(ref.toString(), cause.message, { cause })
  }
  return new Commit(
    ref,
    fieldsIn(value, (why) => {
      throw new InvalidNodeError(ref.toString(), `no valid commit: ${why}`)
    }),
  )
}

function checkMeta(meta: CommitFields<Storable>['meta']): void {
  for (const field of FIELDS) {
    if (Object.hasOwn(meta, field))
      throw new RangeError(`meta.${field}: commits have a '${field}' of their own; choose another name`)
  }
  new Writer(256, PLAIN_RULES).item(meta, 'meta')
}

function fieldsIn(commit: AnyValue, refuse: (why: string) => never): CommitFields<Value> {
  if (!Array.isArray(commit) || commit.length !== 3) return refuse('it has not three elements')
  const [, level, record] = commit
  if (level !== 0) return refuse('its level is not 0')
  if (!isRecord(record)) return refuse('its third element is no record')
  const { generation, message, parents, time, value, ...meta } = record
  if (typeof message !== 'string') return refuse('its message is no string')
  if (!isSafeInteger(time)) return refuse('its time is no integer within ±(2^53-1)')
  if (!(value instanceof Ref)) return refuse('its value is not one ref')
  if (!(parents instanceof Ref || parents instanceof RefList)) return refuse('its parents are no refs')
  const parentRefs = parents instanceof Ref ? [parents] : [...parents]
  if (!isSafeInteger(generation) || (parentRefs.length === 0 ? generation !== 1 : generation < 2))
    return refuse('its generation is not 1 + the highest of its parents')
  if (holdsRefList(meta)) return refuse('it has a list of refs where a value should be')
  return { generation, message, parents: parentRefs, time, value, meta: meta as Commit['meta'] }
}

function isSafeInteger(value: AnyValue | undefined): value is number {
  return Number.isSafeInteger(value)
}

function isRecord(value: AnyValue | undefined): value is ValueRecord {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype
}

/** Whether there is a list of refs in `value`, where only single ones may be. */
function holdsRefList(value: AnyValue): boolean {
  if (Array.isArray(value)) return value.some(holdsRefList)
  return value instanceof RefList || (isRecord(value) && Object.values(value).some(holdsRefList))
}
