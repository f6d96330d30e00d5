/**
 * The file FORMAT of a store, written anew where it is lost or damaged: every segment's header has the store's id too.
 * SPEC "Repair".
 */

import { join } from 'node:path'
import { DamagedStoreError, NomsyError, StoreError } from '../../errors.js'
import type { DamagedFiles } from './damaged-files.js'
import { type FileSystem, readFully } from './file-system.js'
import { isSegmentHeader, SEGMENT_HEADER_BYTES, STORE_ID_BYTES } from './record.js'
import { isUnreadable } from './rescue.js'
import {
  hasCode,
  listSegments,
  readFormat,
  type StoreFormat,
  segmentFile,
  writeFormat,
} from './store-format.js'

/** Ids of which fewer bytes than this differ are one id that was damaged. Two stores' differ in some 16 of 16. */
const MAX_DAMAGED_BYTES = 5

/** What is known of a store: its format, and whether FORMAT says so. */
export interface FoundFormat {
  readonly format: StoreFormat
  readonly isWritten: boolean
}

/** What the store at `path` is. Changes nothing; rejects as opening it does where that cannot be told. */
export async function findFormat(fs: FileSystem, path: string): Promise<FoundFormat> {
  const storeId = await idInSegments(fs, path)
  let isWritten = true
  let format: StoreFormat | undefined
  try {
    format = await readFormat(fs, path, () => {
      isWritten = false
    })
  } catch (error) {
    const isAbsent = error instanceof NomsyError && error.code === 'NOMSY_FOREIGN_STORE'
    if (!(isAbsent || isUnreadable(error)) || storeId === undefined) throw error
  }
  if (format === undefined && storeId === undefined)
    throw new StoreError(
      'NOMSY_NO_STORE',
      `there is no nomsy store at ${path}; nothing can be repaired there`,
    )
  if (format === undefined) return { format: { storeId: storeId!, compression: undefined }, isWritten: false }
  const differing = storeId?.filter((byte, index) => byte !== format.storeId[index]).length ?? 0
  if (differing === 0) return { format, isWritten }
  if (differing < MAX_DAMAGED_BYTES) return { format: { ...format, storeId: storeId! }, isWritten: false }
  const file = join(path, 'FORMAT')
  throw new DamagedStoreError(
    file,
    0,
    `the segments are another store's; if FORMAT is not theirs, remove it and repair`,
  )
}

/** Writes FORMAT as it was found to be; what was there is kept aside. */
export async function mendFormat(
  fs: FileSystem,
  path: string,
  format: StoreFormat,
  damaged: DamagedFiles,
): Promise<void> {
  await damaged.keepFile(join(path, 'FORMAT'), 'FORMAT').catch((error: unknown) => {
    // Of what cannot be read there is nothing to keep.
    if (!isUnreadable(error)) ignoringAbsent(error)
  })
  await fs.remove(join(path, 'FORMAT.tmp')).catch(ignoringAbsent)
  await writeFormat(fs, path, format)
}

/** The id that most segments have whose header is whole. */
async function idInSegments(fs: FileSystem, path: string): Promise<Uint8Array | undefined> {
  const counts = new Map<string, number>()
  for (const segment of await listSegments(fs, path).catch(() => [])) {
    const file = await fs.open(segmentFile(path, segment), 'read')
    try {
      const header = new Uint8Array(SEGMENT_HEADER_BYTES)
      await readFully(file, header, 0)
      const storeId = header.slice(16, 16 + STORE_ID_BYTES)
      const id = Buffer.from(storeId).toString('hex')
      if (isSegmentHeader(header, storeId, segment)) counts.set(id, (counts.get(id) ?? 0) + 1)
    } catch (error) {
      if (!isUnreadable(error)) throw error
    } finally {
      await file.close()
    }
  }
  const [most] = [...counts].sort(([, a], [, b]) => b - a)
  return most && Uint8Array.from(Buffer.from(most[0], 'hex'))
}

function ignoringAbsent(error: unknown): void {
  if (!hasCode(error, 'ENOENT')) throw error
}
