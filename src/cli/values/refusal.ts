/** What the library says of a key or value that it cannot store: the caller's mistake in a program, a person's here. */
const WORDS = /^(?:key|value)(?: and value are| is| holds| has|[.[])/

/** Its words; undefined where `error` says something else. */
export function refusalOf(error: unknown): string | undefined {
  const isRefusal = (error instanceof TypeError || error instanceof RangeError) && WORDS.test(error.message)
  return isRefusal ? error.message : undefined
}
