/**
 * A directory as a tar archive, a stream that is the same each time: members in walk order, in the pax format, with all
 * that was recorded of them. Sockets, which archives cannot have, are told of.
 */

import { Blob } from '../../blob/blob.js'
import { InvalidNodeError } from '../../errors.js'
import type { Directory } from '../directory.js'
import type { Attributes, Entry, EntryName, FileEntry } from '../entry.js'
import { bytesOfName, isUtf8 } from '../entry-name.js'
import { pathText } from '../tree-path.js'
import { aclText } from './posix-acl.js'
import { sparseBytes, sparseFile } from './sparse-file.js'
import {
  BLOCK_BYTES,
  encodeHeader,
  MAX_OCTAL_7,
  MAX_OCTAL_11,
  NAME_BYTES,
  OWNER_BYTES,
  padding,
  paxRecord,
  type TarHeader,
} from './tar-header.js'

export interface TarOptions {
  readonly signal?: AbortSignal | undefined
  /** Called for what the archive cannot have. */
  readonly onProblem?: ((path: string, message: string) => void) | undefined
}

/** Small files that are read ahead, and how small they are. */
const MAX_AHEAD = 64
const AHEAD_BYTES = 64 * 1024

const TYPES: Readonly<Record<Entry['type'], string>> = {
  file: '0',
  symlink: '2',
  char: '3',
  block: '4',
  dir: '5',
  fifo: '6',
  socket: '',
}

const NO_BYTES = new Uint8Array(0)
const SLASH = Uint8Array.of(0x2f)
const NS = 1_000_000_000n

const encoder = new TextEncoder()

/** What a sparse file is called for those who do not know of such. */
const SPARSE_NAME = encoder.encode('./GNUSparseFile.0/sparse')

/** The archive, piece by piece. Rejects where something in the directory cannot be read. */
export async function* tarOf(directory: Directory, options: TarOptions = {}): AsyncGenerator<Uint8Array> {
  const { signal, onProblem } = options
  if (directory.top !== undefined) yield* headerOf(encoder.encode('./'), { type: 'dir' }, directory.top)
  for await (const { path, entry, content } of ahead(directory, signal)) {
    if (entry.type === 'socket') {
      onProblem?.(pathText(path), 'a socket; archives have none')
      continue
    }
    const name = bytesOfName(path)
    const isFile = entry.type === 'file' && entry.link === undefined
    if (isFile && entry.holes !== undefined) {
      const blob = await openBlob(directory, entry)
      const sparse = await sparseFile(directory.context, blob, entry.holes)
      if (sparse !== undefined) {
        yield* headerOf(name, entry, entry, sparse.size)
        yield* sparseBytes(sparse, blob, signal)
        yield padding(sparse.size)
        continue
      }
    }
    yield* headerOf(entry.type === 'dir' ? Buffer.concat([name, SLASH]) : name, entry, entry)
    if (!isFile) continue
    yield* content === undefined ? bytesOf(directory, entry, signal) : [await content]
    yield padding(entry.size)
  }
  yield new Uint8Array(2 * BLOCK_BYTES)
}

interface Member {
  readonly path: EntryName
  readonly entry: Entry
  /** The bytes of a small file. */
  readonly content: Promise<Uint8Array> | undefined
}

/** All entries; small files are read while those before them are used. */
async function* ahead(directory: Directory, signal: AbortSignal | undefined): AsyncGenerator<Member> {
  const members: Member[] = []
  for await (const { path, entry: stored } of directory.walk({ signal })) {
    const entry = await withoutStrayLink(directory, stored)
    const isSmall = entry.type === 'file' && entry.link === undefined && entry.size <= AHEAD_BYTES
    const content = isSmall ? openBlob(directory, entry).then((blob) => blob.bytes()) : undefined
    // Its failure is met when its turn comes.
    content?.catch(() => {})
    members.push({ path, entry, content })
    if (members.length > MAX_AHEAD) yield members.shift()!
  }
  yield* members
}

/** The entry; a file of its own where the name that it links to is not in this directory, which is a part of a tree. */
async function withoutStrayLink(directory: Directory, entry: Entry): Promise<Entry> {
  if (!('link' in entry) || entry.link === undefined) return entry
  const first = await directory.get(entry.link)
  if (first !== undefined && first.type === entry.type) return entry
  const { link: _, ...own } = entry
  return own as Entry
}

async function* bytesOf(
  directory: Directory,
  entry: FileEntry,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  yield* (await openBlob(directory, entry)).pieces({ signal })
}

async function openBlob(
  { context: { store, cache } }: Directory,
  { content, size }: FileEntry,
): Promise<Blob> {
  const blob = await Blob.open({ store, cache }, content)
  if (blob.size === size) return blob
  throw new InvalidNodeError(content.toString(), `${blob.size} bytes, where its directory says ${size}`)
}

/** The blocks before a member's bytes; of a sparse file there are `sparseSize` bytes. */
function* headerOf(
  name: Uint8Array,
  entry: Entry | { readonly type: 'dir' },
  attributes: Attributes,
  sparseSize?: number,
): Generator<Uint8Array> {
  const link = linkOf(entry)
  const size =
    entry.type === 'file' && !('link' in entry && entry.link !== undefined) ? (entry as FileEntry).size : 0
  const { mtime = 0n, uid = 0, gid = 0, executable } = attributes
  const natural = entry.type === 'dir' || entry.type === 'symlink' || executable ? 0o755 : 0o644
  const [major, minor] = 'device' in entry ? entry.device : [0, 0]
  const isLink = 'link' in entry && entry.link !== undefined
  const header: TarHeader = {
    name: sparseSize === undefined ? name : SPARSE_NAME,
    type: isLink ? '1' : TYPES[entry.type],
    mode: attributes.mode ?? natural,
    uid,
    gid,
    size: sparseSize ?? size,
    mtime: Number(mtime / NS),
    link,
    user: encoder.encode(attributes.user ?? ''),
    group: encoder.encode(attributes.group ?? ''),
    major,
    minor,
  }
  const records = [...paxRecords(header, mtime, attributes)]
  if (sparseSize !== undefined) records.push(...sparseRecords(name, size))
  if (records.length > 0) yield* extension('x', Buffer.concat(records))
  // What is no UTF-8 can be said by GNU's members only.
  if (isLong(link) && !isUtf8(link)) yield* extension('K', Buffer.concat([link, Uint8Array.of(0)]))
  if (sparseSize === undefined && isLong(name) && !isUtf8(name))
    yield* extension('L', Buffer.concat([name, Uint8Array.of(0)]))
  yield encodeHeader(header)
}

/** What makes a member the sparse file `name` of `size` bytes. */
function sparseRecords(name: Uint8Array, size: number): Uint8Array[] {
  const number = (key: string, value: number): Uint8Array =>
    paxRecord(`GNU.sparse.${key}`, encoder.encode(String(value)))
  const isText = isUtf8(name)
  return [
    ...(isText ? [] : [paxRecord('hdrcharset', encoder.encode('BINARY'))]),
    ...[number('major', 1), number('minor', 0)],
    ...[paxRecord('GNU.sparse.name', name), number('realsize', size)],
  ]
}

function linkOf(entry: Entry | { readonly type: 'dir' }): Uint8Array {
  if ('link' in entry && entry.link !== undefined) return bytesOfName(entry.link)
  return 'target' in entry ? bytesOfName(entry.target) : NO_BYTES
}

function isLong({ length }: Uint8Array): boolean {
  return length > NAME_BYTES
}

function isAscii(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte < 0x80)
}

function* paxRecords(header: TarHeader, mtime: bigint, { xattrs = {} }: Attributes): Generator<Uint8Array> {
  const { name, link, user, group, uid, gid, size, major, minor } = header
  const text = (key: string, value: string | number): Uint8Array =>
    paxRecord(key, encoder.encode(String(value)))
  if ((isLong(name) || !isAscii(name)) && isUtf8(name)) yield paxRecord('path', name)
  if ((isLong(link) || !isAscii(link)) && isUtf8(link)) yield paxRecord('linkpath', link)
  if (size > MAX_OCTAL_11) yield text('size', size)
  if (uid > MAX_OCTAL_7) yield text('uid', uid)
  if (gid > MAX_OCTAL_7) yield text('gid', gid)
  if (user.length > OWNER_BYTES || !isAscii(user)) yield paxRecord('uname', user)
  if (group.length > OWNER_BYTES || !isAscii(group)) yield paxRecord('gname', group)
  if (mtime < 0n || mtime % NS !== 0n || mtime / NS > MAX_OCTAL_11) yield text('mtime', timeText(mtime))
  if (major > MAX_OCTAL_7) yield text('SCHILY.devmajor', major)
  if (minor > MAX_OCTAL_7) yield text('SCHILY.devminor', minor)
  for (const key of Object.keys(xattrs).sort()) {
    const acl = /^system\.posix_acl_(access|default)$/.exec(key)?.[1]
    const words = acl === undefined ? undefined : aclText(xattrs[key]!)
    if (words !== undefined) yield text(`SCHILY.acl.${acl}`, words)
    // As GNU tar writes them.
    else yield paxRecord(`SCHILY.xattr.${key.replaceAll('%', '%25').replaceAll('=', '%3D')}`, xattrs[key]!)
  }
}

/** Seconds with nine places after the point. */
function timeText(ns: bigint): string {
  const size = ns < 0n ? -ns : ns
  const fraction = (size % NS).toString().padStart(9, '0').replace(/0+$/, '')
  return `${ns < 0n ? '-' : ''}${size / NS}${fraction === '' ? '' : `.${fraction}`}`
}

/** A member that says something of the next one. */
function* extension(type: string, bytes: Uint8Array): Generator<Uint8Array> {
  const name = encoder.encode(type === 'x' ? './PaxHeaders/next' : '././@LongLink')
  const none = { mode: 0o644, uid: 0, gid: 0, mtime: 0, link: NO_BYTES, user: NO_BYTES, group: NO_BYTES }
  yield encodeHeader({ name, type, size: bytes.length, ...none, major: 0, minor: 0 })
  yield bytes
  yield padding(bytes.length)
}
