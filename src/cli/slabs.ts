/** Fewer, larger writes: a blob comes in pieces of some 8 KiB, and each write has its price. */

/** Bytes of a slab. */
const SLAB_BYTES = 256 * 1024

/**
 * The bytes of `pieces` in slabs. Two buffers alternate, so a slab stays as it is while the next one is asked for
 * and is used up before the one after that is.
 */
export async function* slabsOf(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let slab = new Uint8Array(SLAB_BYTES)
  let other = new Uint8Array(SLAB_BYTES)
  let filled = 0
  for await (const piece of pieces) {
    for (let at = 0; at < piece.length; ) {
      const part = piece.subarray(at, at + SLAB_BYTES - filled)
      slab.set(part, filled)
      filled += part.length
      at += part.length
      if (filled < SLAB_BYTES) continue
      yield slab
      ;[slab, other] = [other, slab]
      filled = 0
    }
  }
  if (filled > 0) yield slab.subarray(0, filled)
}

/** Writes the bytes of `pieces` slab by slab, reading the next one while one is written. */
export async function writeSlabs(
  pieces: AsyncIterable<Uint8Array>,
  write: (slab: Uint8Array) => Promise<void>,
): Promise<void> {
  let underWay: Promise<void> = Promise.resolve()
  for await (const slab of slabsOf(pieces)) {
    await underWay
    underWay = write(slab)
    // Its failure is met at the next await; until then it is not an unhandled one.
    underWay.catch(() => {})
  }
  await underWay
}
