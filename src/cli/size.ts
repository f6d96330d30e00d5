/** Sizes for people. */

import prettyBytes from 'pretty-bytes'

/** As `8.19 kB`: units of 1000. */
export function formatSize(bytes: number): string {
  return prettyBytes(Math.round(bytes))
}
