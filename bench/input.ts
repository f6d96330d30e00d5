/** What benches store: bytes made from a seed, or a file named on the command line. */

import { createCipheriv, createHash } from 'node:crypto'
import { open, stat } from 'node:fs/promises'

const PIECE_BYTES = 1024 * 1024

/** Bytes to store, as often as asked for. */
export interface Input {
  /** What it is, for the report. */
  readonly name: string
  readonly size: number
  pieces(): AsyncGenerator<Uint8Array>
}

/** The same `size` bytes for the same seed: AES-128-CTR over zeros, which nothing compresses. */
export function generated(size: number, seed: string): Input {
  return {
    name: `${size / 2 ** 20} MiB generated from seed '${seed}'`,
    size,
    pieces: () => stream(size, seed),
  }
}

/** A file's bytes, read into two buffers in turn. */
export async function fromFile(path: string): Promise<Input> {
  const { size } = await stat(path)
  return { name: path.split('/').at(-1)!, size, pieces: () => readPieces(path) }
}

async function* stream(size: number, seed: string): AsyncGenerator<Uint8Array> {
  const key = createHash('sha256').update(seed).digest()
  const cipher = createCipheriv('aes-128-ctr', key.subarray(0, 16), key.subarray(16))
  const zeros = new Uint8Array(PIECE_BYTES)
  for (let left = size; left > 0; left -= PIECE_BYTES)
    yield cipher.update(zeros.subarray(0, Math.min(left, PIECE_BYTES)))
}

async function* readPieces(path: string): AsyncGenerator<Uint8Array> {
  const file = await open(path)
  try {
    const buffers = [new Uint8Array(PIECE_BYTES), new Uint8Array(PIECE_BYTES)] as const
    let position = 0
    for (let turn = 0; ; turn ^= 1) {
      const buffer = buffers[turn]!
      const { bytesRead } = await file.read(buffer, 0, buffer.length, position)
      if (bytesRead === 0) return
      position += bytesRead
      yield buffer.subarray(0, bytesRead)
    }
  } finally {
    await file.close()
  }
}
