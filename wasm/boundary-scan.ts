/**
 * The hot loop of storing bytes, compiled to WebAssembly by scripts/build-wasm.mjs: at which offsets do the low
 * bits of the buzhash over the last 64 bytes all stand at one? src/sequence/boundary.ts is the same in plain
 * TypeScript, and tests hold the two equal.
 *
 * Without a window the hash is H(i) = rotl(H(i-1), 1) ^ T[byte i]. Since the window is a multiple of 32 bytes, the
 * hash over the window is H(i) ^ H(i-64), whatever H began with. So each byte costs one look-up, the differences
 * are taken four at a time, and four quarters of the input are hashed in turn, which do not wait for each other.
 *
 * Memory, in bytes:
 *
 *     0        table T, 256 x 4
 *     1024     four rows of hashes: 64 from before, 512 new, x 4
 *     16320    64 bytes before the input, of no meaning
 *     16384    input, up to 1 MiB
 *     1064960  offsets found: four regions of 1 MiB, one a quarter
 */

const QUARTER: usize = 262144
const STEP: i32 = 512
const ROWS: usize = 1024
const ROW: usize = (64 + STEP) * 4
const INPUT: usize = 16384
const FOUND: usize = 1064960
const REGION: usize = 1048576

/** Looks at 1 MiB of input. The numbers of offsets found in the quarters are left at the start of the rows. */
export function scanWhole(mask: i32): void {
  let input = INPUT - 64
  let h0: u32 = 0
  let h1: u32 = 0
  let h2: u32 = 0
  let h3: u32 = 0
  let f0 = FOUND
  let f1 = FOUND + REGION
  let f2 = FOUND + 2 * REGION
  let f3 = FOUND + 3 * REGION
  // The first round fills the rows from their beginning, the 64 bytes before each quarter included.
  let at: usize = 0
  for (let start: i32 = 0; start < <i32>QUARTER; start += STEP) {
    for (; at < ROW; at += 16) {
      store<u32>(at, (h0 = rotl<u32>(h0, 1) ^ T(load<u8>(input, 0))), ROWS)
      store<u32>(at, (h1 = rotl<u32>(h1, 1) ^ T(load<u8>(input, QUARTER))), ROWS + ROW)
      store<u32>(at, (h2 = rotl<u32>(h2, 1) ^ T(load<u8>(input, 2 * QUARTER))), ROWS + 2 * ROW)
      store<u32>(at, (h3 = rotl<u32>(h3, 1) ^ T(load<u8>(input, 3 * QUARTER))), ROWS + 3 * ROW)
      store<u32>(at, (h0 = rotl<u32>(h0, 1) ^ T(load<u8>(input, 1))), ROWS + 4)
      store<u32>(at, (h1 = rotl<u32>(h1, 1) ^ T(load<u8>(input, QUARTER + 1))), ROWS + ROW + 4)
      store<u32>(at, (h2 = rotl<u32>(h2, 1) ^ T(load<u8>(input, 2 * QUARTER + 1))), ROWS + 2 * ROW + 4)
      store<u32>(at, (h3 = rotl<u32>(h3, 1) ^ T(load<u8>(input, 3 * QUARTER + 1))), ROWS + 3 * ROW + 4)
      store<u32>(at, (h0 = rotl<u32>(h0, 1) ^ T(load<u8>(input, 2))), ROWS + 8)
      store<u32>(at, (h1 = rotl<u32>(h1, 1) ^ T(load<u8>(input, QUARTER + 2))), ROWS + ROW + 8)
      store<u32>(at, (h2 = rotl<u32>(h2, 1) ^ T(load<u8>(input, 2 * QUARTER + 2))), ROWS + 2 * ROW + 8)
      store<u32>(at, (h3 = rotl<u32>(h3, 1) ^ T(load<u8>(input, 3 * QUARTER + 2))), ROWS + 3 * ROW + 8)
      store<u32>(at, (h0 = rotl<u32>(h0, 1) ^ T(load<u8>(input, 3))), ROWS + 12)
      store<u32>(at, (h1 = rotl<u32>(h1, 1) ^ T(load<u8>(input, QUARTER + 3))), ROWS + ROW + 12)
      store<u32>(at, (h2 = rotl<u32>(h2, 1) ^ T(load<u8>(input, 2 * QUARTER + 3))), ROWS + 2 * ROW + 12)
      store<u32>(at, (h3 = rotl<u32>(h3, 1) ^ T(load<u8>(input, 3 * QUARTER + 3))), ROWS + 3 * ROW + 12)
      input += 4
    }
    f0 = collect(ROWS, start, mask, f0)
    f1 = collect(ROWS + ROW, start + <i32>QUARTER, mask, f1)
    f2 = collect(ROWS + 2 * ROW, start + 2 * <i32>QUARTER, mask, f2)
    f3 = collect(ROWS + 3 * ROW, start + 3 * <i32>QUARTER, mask, f3)
    at = 64 * 4
  }
  store<i32>(ROWS, <i32>((f0 - FOUND) >> 2))
  store<i32>(ROWS, <i32>((f1 - FOUND - REGION) >> 2), 4)
  store<i32>(ROWS, <i32>((f2 - FOUND - 2 * REGION) >> 2), 8)
  store<i32>(ROWS, <i32>((f3 - FOUND - 3 * REGION) >> 2), 12)
}

/** Looks at the first `length` bytes of input; the number of offsets found, all in the first region. */
export function scanPart(length: i32, mask: i32): i32 {
  let found = FOUND
  let hash: u32 = 0
  let at = INPUT - 64
  for (; at < INPUT; at++) hash = rotl<u32>(hash, 1) ^ T(load<u8>(at))
  for (const end = INPUT + length; at < end; ) {
    hash = rotl<u32>(hash, 1) ^ T(load<u8>(at)) ^ T(load<u8>(at - 64))
    at++
    if ((hash & mask) == mask) {
      store<i32>(found, <i32>(at - INPUT))
      found += 4
    }
  }
  return <i32>((found - FOUND) >> 2)
}

// @ts-ignore: decorator
@inline
function T(byte: u8): u32 {
  return load<u32>(<usize>byte << 2)
}

/** Adds the offsets of a row's new hashes that end a window with the bits of `mask`; then makes them the old ones. */
function collect(row: usize, start: i32, mask: i32, found: usize): usize {
  const masks = i32x4.splat(mask)
  for (let at: usize = 64 * 4; at < ROW; at += 64) {
    const a = v128.and(v128.xor(v128.load(row + at), v128.load(row + at - 256)), masks)
    const b = v128.and(v128.xor(v128.load(row + at + 16), v128.load(row + at - 240)), masks)
    const c = v128.and(v128.xor(v128.load(row + at + 32), v128.load(row + at - 224)), masks)
    const d = v128.and(v128.xor(v128.load(row + at + 48), v128.load(row + at - 208)), masks)
    const ab = v128.or(i32x4.eq(a, masks), i32x4.eq(b, masks))
    const cd = v128.or(i32x4.eq(c, masks), i32x4.eq(d, masks))
    if (!v128.any_true(v128.or(ab, cd))) continue
    for (let each = at; each < at + 64; each += 4) {
      if (((load<i32>(row + each) ^ load<i32>(row + each - 256)) & mask) == mask) {
        store<i32>(found, start + <i32>((each - 256) >> 2) + 1)
        found += 4
      }
    }
  }
  memory.copy(row, row + ROW - 256, 256)
  return found
}
