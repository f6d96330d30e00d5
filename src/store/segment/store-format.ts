/**
 * What makes a directory a segment store: the file FORMAT, written last when a store is made. SPEC "Segment store".
 *
 *     FORMAT               nomsy store / version 1 / id and 32 hex digits, a line each; if chosen: compression C
 *     segments/00000001.seg ...
 *     index/               LevelDB, can be made anew
 *     lock/                LevelDB, empty: whoever has it open has the store
 *     owner                who has it open
 *     peers/socket         where that process listens to others, see ../shared/
 */

import { dirname, join } from 'node:path'
import { DamagedStoreError, StoreError } from '../../errors.js'
import type { Finding } from '../chunk-store.js'
import { type Compression, canonicalCompression } from './compression.js'
import { type File, type FileSystem, readFully, writeFully } from './file-system.js'
import { STORE_ID_BYTES } from './record.js'

export const STORE_VERSION = 1

const FORMAT_FILE = 'FORMAT'
const FORMAT_DRAFT = 'FORMAT.tmp'
const MAX_FORMAT_BYTES = 4096

/** A segment that has its header and first checkpoint only is no longer than this. */
const MAX_EMPTY_SEGMENT_BYTES = 128

/** What FORMAT says. */
export interface StoreFormat {
  readonly storeId: Uint8Array
  /** How blocks are packed, if that was chosen when the store was made. */
  readonly compression: Compression | undefined
}

/** Paths inside the store at `path`. */
export const segmentsDir = (path: string): string => join(path, 'segments')
export const segmentFile = (path: string, segment: number): string =>
  join(segmentsDir(path), `${String(segment).padStart(8, '0')}.seg`)
export const lockDir = (path: string): string => join(path, 'lock')
export const indexDir = (path: string): string => join(path, 'index')
export const ownerFile = (path: string): string => join(path, 'owner')

/** Numbers of the segments at `path`, rising. */
export async function listSegments(fs: FileSystem, path: string): Promise<number[]> {
  const names = await fs.readDir(segmentsDir(path))
  const numbers = names.flatMap((name) => (/^\d{8}\.seg$/.test(name) ? [Number.parseInt(name, 10)] : []))
  return numbers.sort((a, b) => a - b)
}

/**
 * What the store at `path` is; undefined where there is nothing, or nothing but an empty directory. A compression that
 * cannot be understood keeps nobody from reading: it goes to `onDamage`, and is thrown without that.
 */
export async function readFormat(
  fs: FileSystem,
  path: string,
  onDamage?: (finding: Finding) => void,
): Promise<StoreFormat | undefined> {
  const names = await namesIn(fs, path)
  if (!names.includes(FORMAT_FILE)) {
    if (names.length === 0 || (await isUnfinished(fs, path, names))) return undefined
    const hint = names.includes('segments') ? ", or 'nomsy repair' it if it was a store" : ''
    throw new StoreError(
      'NOMSY_FOREIGN_STORE',
      `${path} holds files and no nomsy store; name another directory${hint}`,
    )
  }
  const text = new TextDecoder().decode(await readWhole(fs, join(path, FORMAT_FILE)))
  const [, version, id] = /^nomsy store\nversion (\d+)\n(?:id ([0-9a-f]{32})\n)?/.exec(text) ?? []
  if (version !== undefined && Number(version) > STORE_VERSION) {
    throw new StoreError(
      'NOMSY_NEWER_STORE',
      `${path} is a nomsy store of version ${version} and this nomsy knows version ${STORE_VERSION}; use a newer nomsy`,
    )
  }
  if (id === undefined || !text.startsWith(formatText(id))) {
    throw new StoreError(
      'NOMSY_FOREIGN_STORE',
      `${join(path, FORMAT_FILE)} is not that of a nomsy store, or is damaged; 'nomsy repair' writes it anew from what segments there are`,
    )
  }
  const storeId = Uint8Array.from(Buffer.from(id, 'hex'))
  const rest = text.slice(formatText(id).length)
  const compression = canonicalCompression(/^compression (.*)\n$/.exec(rest)?.[1] ?? '')
  if (text !== formatText(id, compression)) {
    const why = `${JSON.stringify(rest.slice(0, 40))} names no compression; write 'compression none' or 'compression zstd:1' there, or nothing`
    const error = new DamagedStoreError(join(path, FORMAT_FILE), text.length - rest.length, why)
    if (onDamage === undefined) throw error
    onDamage({ message: error.message, refs: [] })
    return { storeId, compression: undefined }
  }
  return { storeId, compression }
}

/**
 * Makes a store in the directory `path`; `firstSegment` are the bytes of its first segment. It is a store once FORMAT
 * stands under its name; interrupted before, it is nothing, and making it can begin anew.
 */
export async function createStore(
  fs: FileSystem,
  path: string,
  { storeId, compression }: StoreFormat,
  firstSegment: Uint8Array,
): Promise<void> {
  for (const name of await fs.readDir(path)) if (name === FORMAT_DRAFT) await fs.remove(join(path, name))
  await fs.makeDir(segmentsDir(path)).catch(ignoring('EEXIST'))
  for (const segment of await listSegments(fs, path)) await fs.remove(segmentFile(path, segment))
  await writeWhole(fs, segmentFile(path, 1), firstSegment)
  await fs.syncDir(segmentsDir(path))
  await writeFormat(fs, path, { storeId, compression })
}

/** Writes FORMAT, or writes it anew; durable when it resolves. */
export async function writeFormat(
  fs: FileSystem,
  path: string,
  { storeId, compression }: StoreFormat,
): Promise<void> {
  const id = Buffer.from(storeId.subarray(0, STORE_ID_BYTES)).toString('hex')
  await writeWhole(fs, join(path, FORMAT_DRAFT), new TextEncoder().encode(formatText(id, compression)))
  await fs.syncDir(path)
  await fs.rename(join(path, FORMAT_DRAFT), join(path, FORMAT_FILE))
  await fs.syncDir(path)
}

function formatText(id: string, compression?: Compression): string {
  const text = `nomsy store\nversion ${STORE_VERSION}\nid ${id}\n`
  return compression === undefined ? text : `${text}compression ${compression}\n`
}

/** Whether making a store here was interrupted: nothing but what comes before FORMAT, and no record of a user's. */
async function isUnfinished(fs: FileSystem, path: string, names: readonly string[]): Promise<boolean> {
  const before = ['segments', 'lock', 'index', 'owner', 'peers', FORMAT_DRAFT]
  if (names.some((name) => !before.includes(name))) return false
  if (!names.includes('segments')) return true
  const segments = await fs.readDir(segmentsDir(path))
  if (segments.length === 0) return true
  if (segments.length > 1 || segments[0] !== '00000001.seg') return false
  const file = await fs.open(segmentFile(path, 1), 'read')
  try {
    return (await file.size()) <= MAX_EMPTY_SEGMENT_BYTES
  } finally {
    await file.close()
  }
}

async function namesIn(fs: FileSystem, path: string): Promise<string[]> {
  try {
    return await fs.readDir(path)
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return []
    if (hasCode(error, 'ENOTDIR')) {
      throw new StoreError('NOMSY_FOREIGN_STORE', `${path} is a file; a store is a directory`, {
        cause: error,
      })
    }
    throw error
  }
}

/**
 * Makes the directory `path` and those above it, if need be, each one's name durable in the one that holds it: that
 * of the lowest that is there too, since whoever made it may have been killed before doing so.
 */
export async function makeDirs(fs: FileSystem, path: string): Promise<void> {
  try {
    await fs.makeDir(path)
    await syncName(fs, dirname(path))
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return syncName(fs, path)
    if (!hasCode(error, 'ENOENT') || dirname(path) === path) throw error
    await makeDirs(fs, dirname(path))
    await fs.makeDir(path)
  }
  await fs.syncDir(dirname(path))
}

/** Makes the name of a directory that was there before durable; one that others own may let nobody do so. */
async function syncName(fs: FileSystem, path: string): Promise<void> {
  await fs.syncDir(dirname(path)).catch(ignoring('EACCES'))
}

/** Makes the names in a store durable, which a process that was killed may have left as they were. */
export async function syncNames(fs: FileSystem, path: string): Promise<void> {
  await fs.syncDir(segmentsDir(path))
  await fs.syncDir(path)
}

async function writeWhole(fs: FileSystem, path: string, bytes: Uint8Array): Promise<void> {
  await withFile(await fs.create(path), async (file) => {
    await writeFully(file, [bytes], 0)
    await file.sync()
  })
}

async function readWhole(fs: FileSystem, path: string): Promise<Uint8Array> {
  return withFile(await fs.open(path, 'read'), async (file) => {
    const bytes = new Uint8Array(Math.min(await file.size(), MAX_FORMAT_BYTES))
    return bytes.subarray(0, await readFully(file, bytes, 0))
  })
}

async function withFile<T>(file: File, use: (file: File) => Promise<T>): Promise<T> {
  try {
    return await use(file)
  } finally {
    await file.close()
  }
}

function ignoring(code: string): (error: unknown) => void {
  return (error) => {
    if (!hasCode(error, code)) throw error
  }
}

/** Whether `error` is the system's error `code`. */
export function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}

/** Whether `error` is the system's, of any code. */
export function isSystemError(error: unknown): error is Error {
  return error instanceof Error && 'code' in error && /^E[A-Z0-9]+$/.test(String(error.code))
}
