import type { Database } from '../../database/database.js'
import { isLostChunk } from '../../errors.js'
import type { Ref } from '../../hash/ref.js'
import { editHead, type HeadEdit } from './edit-head.js'

/**
 * Keeps what is under `ref` for good: by a head where there is one to `edit`, else by a pin. Durable when it resolves.
 */
export async function keep(db: Database, ref: Ref, edit: HeadEdit | undefined): Promise<void> {
  if (edit === undefined) return db.pin(ref)
  try {
    await editHead(db, edit, async () => ref)
  } catch (error) {
    if (!isLostChunk(error)) throw error
    // Whether there is a history cannot be told any more; what is new is to be kept all the same.
    await db.setHead(edit.name, ref)
  }
}
