/** Colour where it is wanted: on terminals that have it, unless NO_COLOR says otherwise. */

import type { WriteStream } from 'node:tty'
import { styleText } from 'node:util'

export type Style = 'red' | 'green' | 'yellow' | 'blue' | 'cyan' | 'bold' | 'dim'

/** Gives text a style, where there are styles. */
export type Paint = (style: Style, text: string) => string

type StyledStream = Partial<Pick<WriteStream, 'isTTY' | 'hasColors'>>

/** Text as it is. */
export const PLAIN: Paint = (_, text) => text

/** How to paint what is written to `stream`. */
export function painter(stream: StyledStream): Paint {
  // A terminal's hasColors heeds NO_COLOR, FORCE_COLOR and TERM.
  return stream.isTTY === true && stream.hasColors?.() === true ? styleText : PLAIN
}

export function styled(stream: StyledStream, style: Style, text: string): string {
  return painter(stream)(style, text)
}
