import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { decode } from '../../src/encoding/decode.js'
import { encode } from '../../src/encoding/encode.js'
import type { Value } from '../../src/encoding/value.js'
import { Ref } from '../../src/hash/ref.js'

interface Vector {
  readonly value: unknown
  /** Absent where the bytes are long. */
  readonly hex: string | null
  readonly ref: string
}

const vectors: Vector[] = JSON.parse(
  readFileSync(new URL('../vectors/encoding.json', import.meta.url), 'utf8'),
)

test.each(vectors.map((vector) => [JSON.stringify(vector.value).slice(0, 60), vector] as const))(
  '%s',
  (_, vector) => {
    const value = fromJson(vector.value)
    const bytes = encode(value)
    if (vector.hex !== null) expect(Buffer.from(bytes).toString('hex')).toBe(vector.hex)
    expect(Ref.of(bytes).toString()).toBe(vector.ref)
    const decoded = decode(bytes)
    expect(encode(decoded)).toEqual(bytes)
    if (!(value instanceof Uint8Array)) expect(decoded).toEqual(value)
  },
)

function fromJson(json: unknown): Value {
  if (Array.isArray(json)) return json.map(fromJson)
  if (json === null || typeof json !== 'object') return json as Value
  const { $int, $float, $bytes, $ref } = json as Record<string, string>
  if ($int !== undefined) return BigInt($int)
  if ($float !== undefined) return Number($float)
  if ($bytes !== undefined) return Uint8Array.from(Buffer.from($bytes, 'hex'))
  if ($ref !== undefined) return Ref.parse($ref)!
  return Object.fromEntries(Object.entries(json).map(([key, value]) => [key, fromJson(value)]))
}
