/**
 * SHA-256 of a byte string, synchronous: node:crypto where the platform has it, @noble/hashes elsewhere.
 * Both give the same bytes; node's is about eight times as fast.
 */

import { sha256 as nobleSha256 } from '@noble/hashes/sha2.js'

type Sha256 = (bytes: Uint8Array) => Uint8Array

/** The 32-byte digest of `bytes`. */
export const sha256: Sha256 = nodeSha256() ?? nobleSha256

/** node:crypto's one-shot hash, reached without an import so that the same file loads in a browser. */
function nodeSha256(): Sha256 | undefined {
  const crypto = globalThis.process?.getBuiltinModule?.('node:crypto')
  if (crypto === undefined) return undefined
  return (bytes) => {
    const { buffer, byteOffset, byteLength } = crypto.hash('sha256', bytes, 'buffer')
    return new Uint8Array(buffer, byteOffset, byteLength)
  }
}
