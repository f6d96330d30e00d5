/** How blocks are packed, as people, programs and FORMAT spell it. SPEC "The directory". */

/**
 * `none`, or zstd at a level: -7, the fastest, to -1, and 1 to 19, which packs most; `zstd` is `zstd:1`. zstd takes 0
 * for another level, and those beyond these are of no use on blocks of 64 KiB.
 */
export type Compression = 'none' | 'zstd' | `zstd:${number}`

/** What it is where nobody chose; docs/benchmarks.md says why. */
export const DEFAULT_COMPRESSION = 'zstd:1'

/** For messages: all that can be written. */
export const COMPRESSION_FORMS = 'none, zstd or zstd:LEVEL, LEVEL being -7 to -1 (fast) or 1 to 19 (small)'

/** The one spelling that FORMAT has of the compression `text`; undefined where it is none. */
export function canonicalCompression(text: string): Compression | undefined {
  if (text === 'zstd') return DEFAULT_COMPRESSION
  return /^(none|zstd:(-[1-7]|[1-9]|1[0-9]))$/.test(text) ? (text as Compression) : undefined
}

/** As {@link canonicalCompression}; throws a RangeError where it is none. */
export function checkCompression(text: string): Compression {
  const compression = canonicalCompression(text)
  if (compression === undefined) {
    throw new RangeError(`'${text}' is no compression; write ${COMPRESSION_FORMS}`)
  }
  return compression
}

/** The level of zstd; undefined for `none`. */
export function levelOf(compression: Compression): number | undefined {
  const canonical = checkCompression(compression)
  return canonical === 'none' ? undefined : Number(canonical.slice('zstd:'.length))
}
