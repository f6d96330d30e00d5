/**
 * Text that does not spell what it is to spell. The message says so after the name of a place: `PLACE: MESSAGE`. `line`
 * is where in a longer text, where it is known.
 */
export class NotationError extends Error {
  readonly line: number | undefined

  constructor(message: string, line?: number) {
    super(message)
    this.line = line
  }
}
