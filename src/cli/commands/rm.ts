/** nomsy rm: removes names and pins. */

import { type Database, PIN_PREFIX } from '../../database/database.js'
import { MIN_PREFIX_CHARS } from '../../database/resolve.js'
import { HeadConflictError, UnknownObjectError } from '../../errors.js'
import type { Ref } from '../../hash/ref.js'
import type { CommandUsage } from '../command.js'
import type { CommandContext } from '../command-context.js'

export const usage: CommandUsage = {
  summary: 'remove names and pins',
  arguments: [['<object...>', 'names, or refs of pinned objects']],
  options: [],
  notes: `The bytes stay until 'nomsy gc', and other names and pins for them stay too. All objects are looked up before the
first one is removed.`,
  examples: ['nomsy rm disk-monday'],
}

/** Something that can be removed: a head, or a pin, which has no name. */
interface Held {
  readonly name: string | undefined
  readonly ref: Ref
}

export async function run(context: CommandContext, _options: object, objects: string[]): Promise<void> {
  const db = await context.openToWrite({ makesRoom: true })
  const held: Held[] = []
  for await (const each of db.roots()) held.push(each)
  const removed = new Set(objects.map((object) => find(held, object, db)))
  for (const { name, ref } of removed) {
    context.signal.throwIfAborted()
    const was = await remove(db, name ?? PIN_PREFIX + ref, ref)
    if (was === undefined) context.note(`${name ?? `the pin of ${ref}`} has been removed meanwhile`)
    else if (context.json) await context.output.report(JSON.stringify({ name, ref: was }))
    else context.note(name === undefined ? `removed the pin of ${ref}` : `removed ${name}, which was ${was}`)
  }
}

/** Removes the head, which was `ref` when it was looked at; what it was in the end, undefined if it was gone. */
async function remove({ heads }: Database, name: string, ref: Ref): Promise<Ref | undefined> {
  for (let now: Ref | undefined = ref; now !== undefined; now = await heads.get(name)) {
    try {
      await heads.compareAndSet(name, now, undefined)
      return now
    } catch (error) {
      if (!(error instanceof HeadConflictError)) throw error
    }
  }
  return undefined
}

function find(held: readonly Held[], object: string, { store }: Database): Held {
  const named = held.find(({ name }) => name === object)
  if (named !== undefined) return named
  const isRef = new RegExp(`^[0-9a-v]{${MIN_PREFIX_CHARS},32}$`).test(object)
  const matches = isRef ? held.filter(({ ref }) => ref.toString().startsWith(object)) : []
  const pins = matches.filter(({ name }) => name === undefined)
  if (pins.length === 1) return pins[0]!
  if (pins.length > 1) throw new UnknownObjectError(object, 'ambiguous among the pins; write more characters')
  const names = matches.map(({ name }) => name).join(', ')
  throw new UnknownObjectError(
    object,
    names === ''
      ? `no such name or pin in ${store.location}; 'nomsy heads' shows what there is`
      : `is not pinned but named: ${names}; remove it by name`,
  )
}
