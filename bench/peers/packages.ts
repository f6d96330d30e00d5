/** Peers that are packages from npm: bench/peers/package.json. They run in processes of this bench's own. */

import { fileURLToPath } from 'node:url'
import { beside, type Contender, packageVersions, repositoryIn } from './contender.js'

export const ipfsUnixfs: Contender = contender(
  'ipfs-unixfs',
  'blocks of 256 KiB of fixed size, blockstore-fs; no fsync; does not verify what it reads',
  ['ipfs-unixfs-importer', 'ipfs-unixfs-exporter', 'blockstore-fs'],
)

export const hyperblobs: Contender = contender(
  'hyperblobs',
  'blocks of 64 KiB of fixed size, Corestore; verifies what it reads by a CRC',
  ['hyperblobs', 'corestore', 'hypercore'],
)

function contender(name: string, notes: string, packages: readonly string[]): Contender {
  const library = beside(`${name}.mjs`)
  const run = (verb: string, directory: string, file: string) => ({
    program: process.execPath,
    args: [fileURLToPath(new URL('package-command.js', import.meta.url)), verb, library, directory, file],
  })
  return {
    name,
    isNomsy: false,
    compresses: false,
    notes,
    version: () => packageVersions(packages),
    put: (directory, file) => run('put', repositoryIn(directory), file),
    read: (directory, file) => run('cat', repositoryIn(directory), file),
    library,
  }
}
