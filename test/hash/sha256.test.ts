import fc from 'fast-check'
import { afterEach, expect, test, vi } from 'vitest'
import { sha256 } from '../../src/hash/sha256.js'
import { check } from '../seed.js'

afterEach(() => vi.unstubAllGlobals())

/** The module as it loads where there is no node:crypto. */
async function portableSha256(): Promise<typeof sha256> {
  vi.resetModules()
  vi.stubGlobal('process', undefined)
  const loaded = await import('../../src/hash/sha256.js')
  vi.unstubAllGlobals()
  return loaded.sha256
}

// FIPS 180-4's examples.
test.each([
  ['', 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'],
  ['abc', 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'],
  [
    'abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq',
    '248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1',
  ],
])('the digest of "%s" is %s with and without node:crypto', async (text, hex) => {
  const bytes = new TextEncoder().encode(text)
  expect(Buffer.from(sha256(bytes)).toString('hex')).toBe(hex)
  expect(Buffer.from((await portableSha256())(bytes)).toString('hex')).toBe(hex)
})

test('digests are the same with and without node:crypto', async () => {
  const portable = await portableSha256()
  expect(portable).not.toBe(sha256)
  check(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      expect(Buffer.compare(portable(bytes), sha256(bytes))).toBe(0)
    }),
  )
})

test('a view is hashed without the bytes around it', () => {
  const bytes = Uint8Array.of(1, 2, 3, 4, 5)
  expect(sha256(bytes.subarray(1, 3))).toEqual(sha256(Uint8Array.of(2, 3)))
})
