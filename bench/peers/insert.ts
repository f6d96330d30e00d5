/** How long does it take to store a copy of a file with a byte inserted, and how many bytes are new? */

import { existsSync } from 'node:fs'
import { copyFile, open, stat, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { Change } from './contender.js'
import { costFigures, type Place, repositoryBytes, type Task, TIME } from './task.js'

const PIECE_BYTES = 1024 * 1024

export const insert: Task = {
  question: 'How long does storing a file beside its like, a byte inserted in the middle, take?',
  inputs: [['linux-6.1.tar']],
  compared: [TIME],
  readsOnly: false,
  canAsk: ({ compresses }, filesShrink) => compresses || !filesShrink,
  async prepare({ contender, directory, files, runner }) {
    await runner.run(contender.put(directory, files[0]!))
  },
  async run(place) {
    const { contender, directory, runner } = place
    const change = await makeChange(place)
    const command = contender.change?.(directory, change) ?? contender.put(directory, change.changed)
    const before = await settledBytes(place)
    const cost = await runner.measure([command], [change.changed])
    return [
      ...costFigures(cost),
      { name: 'new', value: ((await settledBytes(place)) - before) / 1e3, unit: 'kB' },
    ]
  },
}

async function settledBytes(place: Place): Promise<number> {
  const settling = place.contender.settle?.(place.directory)
  if (settling !== undefined) await place.runner.run(settling)
  return repositoryBytes(place)
}

/** The changed copy, made for the first contender and used by all. */
async function makeChange({ files, shared }: Place): Promise<Change> {
  const original = files[0]!
  const changed = join(shared, `changed-${basename(original)}`)
  const insertion = join(shared, 'insertion')
  const at = Math.floor((await stat(original)).size / 2)
  if (!existsSync(insertion)) {
    await copyWithInsertion(original, changed, at)
    await writeFile(insertion, INSERTED)
  }
  return { original, changed, at, insertion }
}

const INSERTED = Uint8Array.of(0)

async function copyWithInsertion(original: string, changed: string, at: number): Promise<void> {
  await copyFile(original, changed)
  const source = await open(original)
  const target = await open(changed, 'r+')
  await target.write(INSERTED, 0, INSERTED.length, at)
  const buffer = new Uint8Array(PIECE_BYTES)
  for (let position = at; ; ) {
    const { bytesRead } = await source.read(buffer, 0, buffer.length, position)
    if (bytesRead === 0) break
    await target.write(buffer, 0, bytesRead, position + INSERTED.length)
    position += bytesRead
  }
  await source.close()
  await target.close()
}
