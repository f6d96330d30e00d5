/**
 * Entries as records, both ways. What is stored has one form only, and any other is refused with the field that is
 * wrong. Fields that this version does not know are kept as they are. SPEC "Directories".
 */

import type { Value, ValueRecord } from '../encoding/value.js'
import { Ref } from '../hash/ref.js'
import {
  type Attributes,
  type Entry,
  type EntryName,
  inTimeRange,
  type Kind,
  type TopAttributes,
} from './entry.js'
import { isUtf8 } from './entry-name.js'
import { whyNoPath } from './tree-path.js'

export type EntryType = Entry['type']

/** Told why something is no entry; throws what its caller wants thrown. */
export type Refuse = (why: string) => never

export const ENTRY_TYPES: readonly EntryType[] = ['file', 'dir', 'symlink', 'fifo', 'socket', 'char', 'block']

/** All kinds, in the order in which they are stored. */
export const KINDS: readonly Kind[] = [
  'acls',
  'capabilities',
  'executable',
  'holes',
  'links',
  'mode',
  'mtime',
  'names',
  'owner',
  'special',
  'symlinks',
  'xattrs',
]

const MAX_MODE = 0o7777
const MAX_UINT32 = 2 ** 32 - 1
const MAX_TARGET_BYTES = 4095
const MAX_XATTR_NAME_BYTES = 255

const encoder = new TextEncoder()

/** What a field must be, in words and as a test, and in which entries it may be and must be. */
interface FieldRule {
  readonly form: string
  readonly fits: (value: Value) => boolean
  readonly types: readonly EntryType[]
  readonly isNeeded?: true
}

const DEVICES: readonly EntryType[] = ['char', 'block']
const ALL_BUT_DIRECTORIES = ENTRY_TYPES.filter((type) => type !== 'dir')
const ALL_BUT_SYMLINKS = ENTRY_TYPES.filter((type) => type !== 'symlink')

const ATTRIBUTES: readonly [string, FieldRule][] = [
  ['mode', { form: 'an integer from 0 to 4095', fits: isUint(MAX_MODE), types: ALL_BUT_SYMLINKS }],
  ['uid', { form: 'an integer below 2^32', fits: isUint(MAX_UINT32), types: ENTRY_TYPES }],
  ['gid', { form: 'an integer below 2^32', fits: isUint(MAX_UINT32), types: ENTRY_TYPES }],
  ['user', { form: 'text without NUL', fits: isUserName, types: ENTRY_TYPES }],
  ['group', { form: 'text without NUL', fits: isUserName, types: ENTRY_TYPES }],
  ['mtime', { form: 'an integer from -2^63 to 2^64-1', fits: isInteger, types: ENTRY_TYPES }],
  ['xattrs', { form: 'a record of names and bytes, not empty', fits: isXattrs, types: ENTRY_TYPES }],
]

const FIELDS: ReadonlyMap<string, FieldRule> = new Map([
  ...ATTRIBUTES,
  ['executable', { form: 'true', fits: (value) => value === true, types: ['file'] }],
  [
    'size',
    {
      form: 'an integer from 0 to 2^53-1',
      fits: isUint(Number.MAX_SAFE_INTEGER),
      types: ['file'],
      isNeeded: true,
    },
  ],
  ['content', { form: 'one ref', fits: isRef, types: ['file', 'dir'], isNeeded: true }],
  ['holes', { form: 'one ref', fits: isRef, types: ['file'] }],
  [
    'target',
    {
      form: '1 to 4,095 bytes without NUL, text where they are UTF-8',
      fits: isTarget,
      types: ['symlink'],
      isNeeded: true,
    },
  ],
  ['device', { form: 'two integers below 2^32', fits: isDevice, types: DEVICES, isNeeded: true }],
  ['link', { form: 'a path, text where it is UTF-8', fits: isPath, types: ALL_BUT_DIRECTORIES }],
])

const NEEDED: readonly [string, FieldRule][] = [...FIELDS].filter(([, { isNeeded }]) => isNeeded)

const TOP_FIELDS: ReadonlyMap<string, FieldRule> = new Map([
  ...ATTRIBUTES,
  ['with', { form: 'an array of kinds, rising', fits: isKinds, types: ['dir'] }],
])

/** The entry that a directory has stored as `value`; it is changed and becomes the entry. */
export function entryOf(value: Value, refuse: Refuse): Entry {
  if (!isRecord(value)) return refuse('it is no record')
  checkEntry(value, refuse)
  return inMemory(value) as unknown as Entry
}

/** What is stored of `entry`. */
export function recordOf(entry: Entry, refuse: Refuse): ValueRecord {
  const record = stored(entry, refuse)
  checkEntry(record, refuse)
  return record
}

/** What the top of a tree says of itself, of what is stored as `value`; it is changed and becomes that. */
export function topOf(value: Value, refuse: Refuse): TopAttributes {
  if (!isRecord(value)) return refuse('it is no record')
  checkTop(value, refuse)
  const { type: _, ...top } = inMemory(value)
  return top as unknown as TopAttributes
}

/** What is stored of what the top of a tree says of itself. */
export function topRecordOf(top: TopAttributes, refuse: Refuse): ValueRecord {
  const record = { ...stored(top, refuse), type: 'dir' }
  checkTop(record, refuse)
  return record
}

function checkEntry(record: ValueRecord, refuse: Refuse): void {
  const { type: named, mode, executable } = record
  const type = named as EntryType
  if (!ENTRY_TYPES.includes(type)) refuse(`its type is none of ${ENTRY_TYPES.join(', ')}`)
  for (const field of Object.keys(record)) checkField(FIELDS.get(field), field, record[field]!, type, refuse)
  for (const [field, { types }] of NEEDED) {
    if (types.includes(type) && !Object.hasOwn(record, field)) refuse(`a ${type} must have '${field}'`)
  }
  if (executable !== undefined && mode !== undefined) refuse("it has both 'mode' and 'executable'")
}

function checkTop(record: ValueRecord, refuse: Refuse): void {
  const { type } = record
  if (type !== 'dir') refuse("its type is not 'dir'")
  if (!Object.hasOwn(record, 'with')) refuse("it must have 'with'")
  for (const field of Object.keys(record)) {
    if (FIELDS.has(field) && !TOP_FIELDS.has(field)) refuse(`the top of a tree cannot have '${field}'`)
    checkField(TOP_FIELDS.get(field), field, record[field]!, 'dir', refuse)
  }
}

function checkField(
  rule: FieldRule | undefined,
  field: string,
  value: Value,
  type: EntryType,
  refuse: Refuse,
): void {
  if (rule === undefined) return
  if (!rule.types.includes(type)) refuse(`a ${type} cannot have '${field}'`)
  if (!rule.fits(value)) refuse(`its '${field}' is not ${rule.form}`)
}

/** Fields that are undefined are none. */
function stored(fields: Attributes, refuse: Refuse): ValueRecord {
  if (fields.mtime !== undefined && typeof fields.mtime !== 'bigint') refuse("its 'mtime' is no bigint")
  const entries = Object.entries(fields)
  const isWhole = entries.every(([, value]) => value !== undefined)
  return isWhole
    ? (fields as ValueRecord)
    : Object.fromEntries(entries.filter(([, value]) => value !== undefined))
}

function inMemory(record: ValueRecord & { mtime?: Value; xattrs?: Value }): ValueRecord {
  const { mtime, xattrs } = record
  if (mtime !== undefined) record.mtime = BigInt(mtime as number | bigint)
  if (xattrs !== undefined) record.xattrs = Object.assign(Object.create(null), xattrs)
  return record
}

function isRecord(value: Value): value is ValueRecord {
  if (typeof value !== 'object' || value === null) return false
  const prototype = Object.getPrototypeOf(value)
  return prototype === null || prototype === Object.prototype
}

function isUint(max: number): (value: Value) => boolean {
  return (value) => Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= max
}

/** Whether it is an integer that can be written, as the latest times of file systems can: to the year 2554. */
function isInteger(value: Value): boolean {
  return Number.isSafeInteger(value) || (typeof value === 'bigint' && value === inTimeRange(value))
}

function isRef(value: Value): boolean {
  return value instanceof Ref
}

function isUserName(value: Value): boolean {
  return typeof value === 'string' && value !== '' && !value.includes('\0')
}

function isXattrs(value: Value): boolean {
  if (!isRecord(value)) return false
  const names = Object.keys(value)
  return (
    names.length > 0 &&
    names.every((name) => {
      const byteCount = encoder.encode(name).length
      const isName = byteCount > 0 && byteCount <= MAX_XATTR_NAME_BYTES && !name.includes('\0')
      return isName && value[name] instanceof Uint8Array
    })
  )
}

function isTarget(value: Value): boolean {
  if (typeof value === 'string') {
    const byteCount = encoder.encode(value).length
    return byteCount > 0 && byteCount <= MAX_TARGET_BYTES && !value.includes('\0') && value.isWellFormed()
  }
  if (!(value instanceof Uint8Array) || value.length === 0 || value.length > MAX_TARGET_BYTES) return false
  return !value.includes(0) && !isUtf8(value)
}

function isDevice(value: Value): boolean {
  return Array.isArray(value) && value.length === 2 && value.every(isUint(MAX_UINT32))
}

function isPath(value: Value): boolean {
  const isName = typeof value === 'string' || value instanceof Uint8Array
  return isName && whyNoPath(value as EntryName) === undefined
}

function isKinds(value: Value): boolean {
  if (!Array.isArray(value)) return false
  const places = value.map((kind) => KINDS.indexOf(kind as Kind))
  return places.every((place, index) => place > (places[index - 1] ?? -1))
}
