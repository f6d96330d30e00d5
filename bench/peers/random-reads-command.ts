/**
 * `random-reads-command.js LIBRARY REPOSITORY FILE`: random reads of what a library stored of FILE, as a line of
 * JSON. Some are compared with the file first, which warms it up, too.
 */

import { open } from 'node:fs/promises'
import { pathToFileURL } from 'node:url'
import { type Figure, peakMemory, randomNumbers } from '../bench.js'
import { READ_BYTES, readMany } from '../random-reads.js'
import type { Library, LibraryReader } from './contender.js'

const READS = 5_000
const IN_FLIGHT = 16
const COMPARED = 500

const [path, repository, file] = process.argv.slice(2) as [string, string, string]
const library = (await import(pathToFileURL(path).href)) as Library
const reader = await library.openReader(repository, file)
const size = await compare(reader)
const readAt = (position: number): Promise<unknown> => reader.read(position, READ_BYTES)
const figures: Figure[] = [
  ...(await readMany(() => readAt, size, 1, READS)),
  ...(await readMany(() => readAt, size, IN_FLIGHT, READS)),
  peakMemory(),
]
await reader.close()
process.stdout.write(JSON.stringify(figures))

async function compare({ read }: LibraryReader): Promise<number> {
  const original = await open(file)
  const { size } = await original.stat()
  const random = randomNumbers(0)
  for (let turn = 0; turn < COMPARED; turn++) {
    const position = Math.floor(random() * (size - READ_BYTES))
    const { buffer } = await original.read(Buffer.alloc(READ_BYTES), 0, READ_BYTES, position)
    if (!buffer.equals(await read(position, READ_BYTES))) throw new Error(`wrong bytes at ${position}`)
  }
  await original.close()
  return size
}
