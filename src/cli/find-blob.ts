import type { Blob } from '../blob/blob.js'
import type { Database } from '../database/database.js'

/** The blob that `object`, as a person wrote it, means. */
export async function findBlob(db: Database, object: string): Promise<Blob> {
  const { ref } = await db.resolve(object)
  return db.blob(ref)
}
