/** What collections are made of, item by item. */

import { abortable } from '../sequence/abortable.js'

/** Many of something, at once or as they come. */
export type Source<T> = Iterable<T> | AsyncIterable<T>

export type ItemOf<S> = S extends Source<infer T> ? T : never

export interface WriteOptions {
  readonly signal?: AbortSignal | undefined
  /** Called with the number of items taken in since the last call. */
  readonly onProgress?: ((items: number) => void) | undefined
}

/** The items of `source`, until the signal says stop. */
export function itemsOf<T>(source: Source<T>, { signal }: WriteOptions): Source<T> {
  return signal === undefined ? source : abortable(source, signal)
}
