/**
 * ipfs-unixfs over blockstore-fs, in blocks of 256 KiB of fixed size: what `package-command.ts` and
 * `random-reads.ts` call.
 */

import { createReadStream } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { FsBlockstore } from 'blockstore-fs'
import { exporter } from 'ipfs-unixfs-exporter'
import { importer } from 'ipfs-unixfs-importer'
import { fixedSize } from 'ipfs-unixfs-importer/chunker'
import { CID } from 'multiformats/cid'

const READ_BYTES = 1024 * 1024
const BLOCK_BYTES = 256 * 1024

/** Stores `file` in `repository`, and beside it the CID that finds it again. */
export async function put(repository, file) {
  const blocks = await open(repository)
  const source = { content: createReadStream(file, { highWaterMark: READ_BYTES }) }
  let root
  for await (const entry of importer([source], blocks, { chunker: fixedSize({ chunkSize: BLOCK_BYTES }) })) {
    root = entry.cid
  }
  await writeFile(idFile(repository, file), root.toString())
  await blocks.close()
}

/** Opens what `put` stored for reading. */
export async function openReader(repository, file) {
  const blocks = await open(repository)
  const entry = await exporter(CID.parse(await readFile(idFile(repository, file), 'utf8')), blocks)
  return {
    pieces: () => entry.content(),
    read: async (position, length) => {
      const pieces = []
      for await (const piece of entry.content({ offset: position, length })) pieces.push(piece)
      return pieces.length === 1 ? pieces[0] : Buffer.concat(pieces)
    },
    close: () => blocks.close(),
  }
}

async function open(repository) {
  const blocks = new FsBlockstore(join(repository, 'blocks'))
  await blocks.open()
  return blocks
}

function idFile(repository, file) {
  return join(repository, `${basename(file)}.cid`)
}
