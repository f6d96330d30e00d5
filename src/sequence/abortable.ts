/** Sources that are read item by item until a signal says stop, be the source silent as it may. */

/** The items of `source`; throws the signal's reason once it is aborted. */
export async function* abortable<T>(
  source: Iterable<T> | AsyncIterable<T>,
  signal: AbortSignal,
): AsyncGenerator<T> {
  const iterator = Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]()
  // One listener for all items: a race of each with one promise would leave something of each behind at that one.
  let stopWaiting = (_reason: unknown): void => {}
  const stop = (): void => stopWaiting(signal.reason)
  signal.addEventListener('abort', stop, { once: true })
  let isOver = false
  try {
    for (;;) {
      signal.throwIfAborted()
      const result = await new Promise<IteratorResult<T>>((resolve, reject) => {
        stopWaiting = reject
        Promise.resolve(iterator.next()).then(resolve, reject)
      })
      if (result.done === true) {
        isOver = true
        return
      }
      yield result.value
    }
  } finally {
    signal.removeEventListener('abort', stop)
    // A source that is silent would not answer to this either.
    if (!isOver) void Promise.resolve(iterator.return?.()).catch(() => {})
  }
}
