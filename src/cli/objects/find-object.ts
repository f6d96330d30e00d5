/**
 * From OBJECT as people write it, with or without a path into it, to what it means: an object of the store, or a value
 * inside one. A path goes through commits to what was committed, and through refs to what they stand for.
 */

import type { Blob } from '../../blob/blob.js'
import { List } from '../../collection/list.js'
import { SortedMap } from '../../collection/sorted-map.js'
import { SortedSet } from '../../collection/sorted-set.js'
import type { Key, Value } from '../../collection/value.js'
import type { Commit } from '../../database/commit.js'
import type { Database } from '../../database/database.js'
import { MissingChunkError, UnknownObjectError } from '../../errors.js'
import { Ref } from '../../hash/ref.js'
import { kindOf } from '../../sequence/kind.js'
import { Directory } from '../../tree/directory.js'
import type { EntryName, Kind } from '../../tree/entry.js'
import type { NamedEntry } from '../../tree/entry-item.js'
import { whyNoName } from '../../tree/entry-name.js'
import { Failure } from '../failure.js'
import { entryValue } from '../show/show-directory.js'
import { PLAIN } from '../styled.js'
import { isRecord } from '../values/is-record.js'
import { prettyLine } from '../values/pretty.js'
import { parseObjectPath, type Step } from './object-path.js'

/** What can be an object of the store, by kind. */
interface Objects {
  readonly blob: Blob
  readonly list: List<Value>
  readonly map: SortedMap<Key, Value>
  readonly set: SortedSet<Key>
  readonly dir: Directory
  readonly commit: Commit
  /** A single value. */
  readonly value: Value
}

type ObjectKind = keyof Objects

export type CollectionKind = 'list' | 'map' | 'set'

export type CollectionOf<K extends CollectionKind> = Objects[K]

/** An object of the store, its kind and its ref. */
export type StoredObject = {
  [K in ObjectKind]: { readonly kind: K; readonly ref: Ref; readonly object: Objects[K] }
}[ObjectKind]

/** An object, or a value that has no ref of its own. */
export type Found = StoredObject | { readonly kind: 'part'; readonly object: Value }

/** What lies at the end of a path, and what is known of the way to it. */
export interface Target {
  /** A Ref stands for the object. */
  readonly value: Value
  /** What the directory says of it, where it is in one. */
  readonly entry?: NamedEntry
  /** What was recorded of the tree that it is in, or is the top of. */
  readonly kinds?: readonly Kind[] | undefined
}

/** What `text` means. Rejects with a Failure or NOMSY_UNKNOWN_OBJECT. */
export async function find(db: Database, text: string): Promise<Found> {
  const { value } = await findTarget(db, text)
  return value instanceof Ref ? openObject(db, value) : { kind: 'part', object: value }
}

/** The ref of the object that `text` means. A value inside an object has none. */
export async function findRef(db: Database, text: string): Promise<Ref> {
  const { value } = await findTarget(db, text)
  return refOf(value, text)
}

/** `value`, which `text` means, if it is a ref. */
export function refOf(value: Value, text: string): Ref {
  if (value instanceof Ref) return value
  throw new Failure(`${text} is a value inside an object, and none of its own; 'nomsy show ${text}' shows it`)
}

/** The object that `text` means; of a commit what was committed. */
export async function findValue(db: Database, text: string): Promise<StoredObject> {
  return openObject(db, await db.at(await findRef(db, text)))
}

/** The commit that `text` means. */
export async function findCommit(db: Database, text: string): Promise<Commit> {
  const found = await openObject(db, await findRef(db, text))
  if (found.kind === 'commit') return found.object
  throw new Failure(
    `${text} is a ${found.kind} and no commit; 'nomsy commit NAME ${text} -m MESSAGE' makes one of it`,
  )
}

/** The blob that `text` means. */
export async function findBlob(db: Database, text: string): Promise<Blob> {
  return ofKind(await findValue(db, text), 'blob', text)
}

/** The collection of this kind that `text` means. */
export async function findCollection<K extends CollectionKind>(
  db: Database,
  kind: K,
  text: string,
): Promise<CollectionOf<K>> {
  return ofKind(await findValue(db, text), kind, text)
}

/** `found` if it is of this kind; else a Failure. `text` is how it was called. */
export function ofKind<K extends ObjectKind>(found: Found, kind: K, text: string): Objects[K] {
  if (found.kind === kind) return found.object as Objects[K]
  throw new Failure(`${text} is a ${found.kind}, not a ${kind}; 'nomsy show ${text}' shows it`)
}

export async function openObject(db: Database, ref: Ref): Promise<StoredObject> {
  const chunk = await db.store.get(ref)
  if (chunk === undefined) throw new MissingChunkError(ref.toString())
  const kind = kindOf(chunk)
  if (kind === 'commit') return { kind, ref, object: await db.readCommit(ref) }
  if (kind === 'value') return { kind, ref, object: await db.readValue(ref) }
  const object = await db.get(ref)
  if (object instanceof SortedMap) return { kind: 'map', ref, object }
  if (object instanceof SortedSet) return { kind: 'set', ref, object }
  if (object instanceof List) return { kind: 'list', ref, object }
  if (object instanceof Directory) return { kind: 'dir', ref, object }
  return { kind: 'blob', ref, object }
}

/** What `text` means. Rejects as {@link find}. */
export async function findTarget(db: Database, text: string): Promise<Target> {
  const { object, steps } = parseObjectPath(text)
  const { ref } = await db.resolve(object)
  let at: Target = { value: ref }
  let place = object
  for (const [index, step] of steps.entries()) {
    const next: Target | undefined =
      at.value instanceof Ref
        ? await partOf(await openObject(db, await db.at(at.value)), step, place, at.kinds)
        : asTarget(memberOf(at.value, step, place))
    if (next === undefined) throw notThere(text, place, step)
    at = next
    place += (index === 0 ? ':' : '/') + step.text
  }
  return at
}

/** What `found` has at `step`; undefined where it has nothing there. `place` is how it was called. */
async function partOf(
  found: StoredObject,
  step: Step,
  place: string,
  kinds: readonly Kind[] | undefined,
): Promise<Target | undefined> {
  switch (found.kind) {
    case 'map':
      return asTarget(await found.object.get(step.key as Key))
    case 'list':
      return asTarget(await found.object.at(indexOf(step, place)))
    case 'dir':
      return entryIn(found.object, step.key, kinds)
    case 'value':
      return asTarget(memberOf(found.object, step, place))
    default:
      throw new Failure(`${place} is a ${found.kind}: there is nothing at ${step.text} in it`)
  }
}

/** What is under `name`: its content; of what has none the entry itself. */
async function entryIn(
  directory: Directory,
  name: Value,
  kinds: readonly Kind[] | undefined,
): Promise<Target | undefined> {
  if (whyNoName(name) !== undefined) return undefined
  const entry = await directory.get([name as EntryName])
  if (entry === undefined) return undefined
  const value = entry.type === 'file' || entry.type === 'dir' ? entry.content : entryValue(entry)
  return { value, entry: [name as EntryName, entry], kinds: directory.top?.with ?? kinds }
}

function asTarget(value: Value | undefined): Target | undefined {
  return value === undefined ? undefined : { value }
}

function memberOf(value: Value, step: Step, place: string): Value | undefined {
  if (Array.isArray(value)) return (value as readonly Value[]).at(indexOf(step, place))
  if (isRecord(value)) {
    const name = String(step.key)
    return Object.hasOwn(value, name) ? value[name] : undefined
  }
  throw new Failure(`${place} is ${prettyLine(value, PLAIN, 60)}: there is nothing at ${step.text} in it`)
}

function indexOf({ text, key }: Step, place: string): number {
  const isIndex = typeof key === 'number' ? Number.isSafeInteger(key) : /^-?\d{1,15}$/.test(text)
  if (!isIndex)
    throw new Failure(`${place} has positions: '${text}' is none, write 0 for the first, -1 for the last`)
  return Number(key)
}

function notThere(text: string, place: string, step: Step): UnknownObjectError {
  return new UnknownObjectError(
    text,
    `there is nothing at ${step.text} in ${place}; 'nomsy show ${place}' shows what is`,
  )
}
