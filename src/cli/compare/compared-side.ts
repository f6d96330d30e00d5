/** One of the two that are compared: an object of the store, or a directory on disk where there is no such object. */

import type { Database } from '../../database/database.js'
import { UnknownObjectError } from '../../errors.js'
import { Ref } from '../../hash/ref.js'
import type { Kind } from '../../tree/entry.js'
import { isDirectory } from '../directory-source.js'
import { Failure } from '../failure.js'
import { type Found, findTarget, openObject } from '../objects/find-object.js'

export type ComparedSide = ObjectSide | DiskSide

export interface ObjectSide {
  readonly found: Found
  readonly text: string
  /** What was recorded of the tree that it is in; undefined where nothing says so. */
  readonly kinds: readonly Kind[] | undefined
}

export interface DiskSide {
  readonly path: string
}

/** `store` is called where there is need of one. */
export async function findSide(text: string, store: () => Promise<Database>): Promise<ComparedSide> {
  if (/^[./]/.test(text)) return diskSide(text)
  try {
    return await objectSide(await store(), text)
  } catch (error) {
    if (error instanceof UnknownObjectError && (await isDirectory(text))) return { path: text }
    throw error
  }
}

export function isOnDisk(side: ComparedSide): side is DiskSide {
  return 'path' in side
}

async function diskSide(path: string): Promise<DiskSide> {
  if (await isDirectory(path)) return { path }
  throw new Failure(`${path} is no directory; 'nomsy hash' prints the ref of a file, to compare it`)
}

/** Of a commit what was committed. */
async function objectSide(db: Database, text: string): Promise<ObjectSide> {
  const { value, kinds } = await findTarget(db, text)
  if (!(value instanceof Ref)) return { text, kinds, found: { kind: 'part', object: value } }
  const found = await openObject(db, await db.at(value))
  return { text, kinds: (found.kind === 'dir' && found.object.top?.with) || kinds, found }
}
