/** nomsy as a library, for random reads. */

import { open } from '../../src/index.js'
import { type LibraryReader, labelOf } from './contender.js'

export async function openReader(repository: string, file: string): Promise<LibraryReader> {
  const db = await open(repository, { create: false })
  const blob = await db.blob((await db.heads.get(labelOf(file)))!)
  return {
    pieces: () => blob.pieces(),
    async read(position, length) {
      const buffer = new Uint8Array(length)
      await blob.read(buffer, { position })
      return buffer
    },
    close: () => db.close(),
  }
}
