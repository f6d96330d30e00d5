/**
 * Gives a head another value, and keeps its history: a head that names a commit gets a commit that follows it. What
 * somebody else does to the head meanwhile is not lost: the change is made again, to that.
 */

import type { Database } from '../../database/database.js'
import { HeadConflictError } from '../../errors.js'
import type { Ref } from '../../hash/ref.js'

/** How often a change begins again because somebody else has moved the head. */
const RETRIES = 100

export interface HeadEdit {
  readonly name: string
  /** What the user says of the change: it is committed, also where the head names no commit yet. */
  readonly message?: string | undefined
  /** What is said in a commit where the user says nothing. */
  readonly words: string
}

export interface EditedHead {
  /** The new value. */
  readonly ref: Ref
  /** The commit that holds it, where there is one. */
  readonly commit: Ref | undefined
  readonly wasAbsent: boolean
  /** Whether the value is another one than before. */
  readonly isChanged: boolean
}

/**
 * Makes what `change` gives the head's value. `change` is given the present one, undefined where there is no head, and
 * is called again where the head has moved. Durable when it resolves.
 */
export async function editHead(
  db: Database,
  { name, message, words }: HeadEdit,
  change: (value: Ref | undefined) => Promise<Ref>,
): Promise<EditedHead> {
  for (let retriesLeft = RETRIES; ; retriesLeft--) {
    const head = await db.heads.get(name)
    const before = head && (await db.at(head))
    const ref = await change(before)
    const hasHistory = before !== undefined && !before.equals(head!)
    const outcome = { ref, wasAbsent: head === undefined, isChanged: before?.equals(ref) !== true }
    try {
      if (hasHistory && !outcome.isChanged) {
        await db.flush()
        return { ...outcome, commit: head }
      }
      if (hasHistory || message !== undefined) {
        const commit = await db.commit(name, ref, { message: message ?? words, expected: head ?? null })
        return { ...outcome, commit: commit.ref }
      }
      // Also where nothing changes: the log may hold the head damaged.
      await db.heads.compareAndSet(name, head, ref)
      return { ...outcome, commit: undefined }
    } catch (error) {
      if (!(error instanceof HeadConflictError) || retriesLeft === 0) throw error
    }
  }
}
