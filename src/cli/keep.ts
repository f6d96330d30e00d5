import type { Database } from '../database/database.js'
import type { Ref } from '../hash/ref.js'

/** Keeps what is under `ref` for good: by a head where `name` is given, else by a pin. Durable when it resolves. */
export async function keep(db: Database, ref: Ref, name: string | undefined): Promise<void> {
  if (name === undefined) await db.pin(ref)
  else await db.setHead(name, ref)
}
