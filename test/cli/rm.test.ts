import { expect, test } from 'vitest'
import type { CommandContext } from '../../src/cli/command-context.js'
import { run } from '../../src/cli/commands/rm.js'
import { open } from '../../src/database/open.js'

test('what rm says a name was is what it was when it was removed', async () => {
  const db = await open('memory:')
  const [before, after] = [await db.putBlob(Buffer.from('before')), await db.putBlob(Buffer.from('after'))]
  for (const name of ['moved', 'gone']) await db.setHead(name, before.ref)
  const roots = db.roots.bind(db)
  db.roots = async function* () {
    yield* roots()
    await db.setHead('moved', after.ref)
    await db.remove('gone')
  }
  const lines: string[] = []
  const context = {
    json: true,
    signal: new AbortController().signal,
    openToWrite: async () => db,
    note: (words: string) => lines.push(words),
    output: { report: async (line: string) => lines.push(line) },
  }
  await run(context as unknown as CommandContext, {}, ['moved', 'gone'])
  expect(lines).toEqual([`{"name":"moved","ref":"${after.ref}"}`, 'gone has been removed meanwhile'])
  expect(await db.head('moved')).toBeUndefined()
})
