/** hyperblobs over a Corestore, in blocks of 64 KiB: what `package-command.ts` and `random-reads.ts` call. */

import { createReadStream } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import Corestore from 'corestore'
import Hyperblobs from 'hyperblobs'

const READ_BYTES = 1024 * 1024

/** Stores `file` in `repository`, and beside it the id that finds it again. */
export async function put(repository, file) {
  const { blobs, close } = await open(repository)
  const target = blobs.createWriteStream()
  await pipeline(createReadStream(file, { highWaterMark: READ_BYTES }), target)
  await writeFile(idFile(repository, file), JSON.stringify(target.id))
  await close()
}

/** Opens what `put` stored for reading. */
export async function openReader(repository, file) {
  const id = JSON.parse(await readFile(idFile(repository, file), 'utf8'))
  const { blobs, close } = await open(repository)
  return {
    pieces: () => blobs.createReadStream(id),
    read: (position, length) => blobs.get(id, { start: position, length }),
    close,
  }
}

async function open(repository) {
  const store = new Corestore(join(repository, 'cores'))
  const core = store.get({ name: 'blobs' })
  await core.ready()
  return { blobs: new Hyperblobs(core), close: () => store.close() }
}

function idFile(repository, file) {
  return join(repository, `${basename(file)}.id`)
}
