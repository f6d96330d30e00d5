/** The byte streams of stream.py, which the vectors were made of. */

import { hash } from 'node:crypto'

/** `length` bytes of the stream `kind` with `seed`. */
export function stream(kind: string, seed: string, length: number): Uint8Array {
  const bytes = Buffer.alloc(length)
  if (kind === 'zero') return bytes
  if (kind === 'cycle') {
    const period = Number(seed)
    for (let i = 0; i < length; i++) bytes[i] = (i % period) & 255
    return bytes
  }
  for (let at = 0, n = 0; at < length; n++) {
    const part = kind === 'sha' ? hash('sha256', `${seed}:${n}`, 'buffer') : Buffer.from(`${seed} line ${n}\n`)
    at += part.copy(bytes, at)
  }
  return bytes
}
