/** Changes the collection that a head holds, or makes it, and says what has become of it. */

import type { Database } from '../../database/database.js'
import type { Ref } from '../../hash/ref.js'
import type { CommandContext } from '../command-context.js'
import { Failure } from '../failure.js'
import { type CollectionKind, type CollectionOf, ofKind, openObject } from '../objects/find-object.js'
import { type EditedHead, editHead, type HeadEdit } from './edit-head.js'

/** Makes the next collection of the present one, undefined where there is none; gives its ref. */
export type ChangeCollection<K extends CollectionKind> = (before: CollectionOf<K> | undefined) => Promise<Ref>

/** Prints the ref of the collection that `change` makes of the one that the head holds. */
export async function editCollection<K extends CollectionKind>(
  context: CommandContext,
  db: Database,
  kind: K,
  edit: HeadEdit,
  change: ChangeCollection<K>,
): Promise<void> {
  const edited = await editHead(db, edit, async (before) => {
    context.signal.throwIfAborted()
    return change(before && ofKind(await openObject(db, before), kind, edit.name))
  })
  if (edited.wasAbsent) context.note(`made the ${kind} ${edit.name}`)
  else if (!edited.isChanged) context.note(`${edit.name} stays as it is`)
  await report(context, db, kind, edit.name, edited)
}

/** The collection that the head holds, undefined where there is none; throws a Failure where it is no `kind`. */
export async function collectionAt<K extends CollectionKind>(
  db: Database,
  kind: K,
  name: string,
): Promise<CollectionOf<K> | undefined> {
  const head = await db.heads.get(name)
  return head && ofKind(await openObject(db, await db.at(head)), kind, name)
}

/** `before`, for a change of what must be there. */
export function present<T>(before: T | undefined, name: string): T {
  if (before !== undefined) return before
  throw new Failure(`${name}: there is no head of that name; 'nomsy heads' shows what there is`)
}

async function report(
  context: CommandContext,
  db: Database,
  kind: CollectionKind,
  head: string,
  { ref, commit }: EditedHead,
): Promise<void> {
  if (!context.json) return context.output.report(`${ref}  ${head}`)
  const { tree } = ofKind(await openObject(db, ref), kind, head)
  await context.output.report(JSON.stringify({ ref, head, kind, count: tree.root.length, commit }))
}
