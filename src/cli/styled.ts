/** Colour where it is wanted: on terminals that have it, unless NO_COLOR says otherwise. */

import type { WriteStream } from 'node:tty'
import { styleText } from 'node:util'

export function styled(
  stream: Partial<Pick<WriteStream, 'isTTY' | 'hasColors'>>,
  style: 'red' | 'bold' | 'dim',
  text: string,
): string {
  // A terminal's hasColors heeds NO_COLOR, FORCE_COLOR and TERM.
  return stream.isTTY === true && stream.hasColors?.() === true ? styleText(style, text) : text
}
