/** Small texts from files and standard input, as a whole. */

import { isUtf8 } from 'node:buffer'
import { Failure } from './failure.js'
import { findSource } from './source.js'

/** Most bytes of a text: an item of a collection has 1 MiB, however it is spelled. */
export const MAX_TEXT_BYTES = 16 * 1024 * 1024

/** The text that `path` names, a file or `-`. */
export async function readText(path: string, signal: AbortSignal): Promise<string> {
  const source = await findSource(path)
  const { title } = source
  return source.readInOrder(signal, async (bytes) => {
    const pieces: Uint8Array[] = []
    let length = 0
    for await (const piece of bytes) {
      length += piece.length
      if (length > MAX_TEXT_BYTES)
        throw new Failure(`${title}: longer than 16 MiB; store it with 'nomsy put' and refer to that`)
      pieces.push(piece)
    }
    const text = Buffer.concat(pieces)
    if (!isUtf8(text)) throw new Failure(`${title}: is no text in UTF-8; 'nomsy put' stores any bytes`)
    return text.toString()
  })
}
