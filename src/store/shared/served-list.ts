/**
 * A list that an owner hands out a page at a time, each when the client asks for it: so a client that is slow to go on
 * holds up nobody, and nothing gathers for it.
 */

import type { Value } from '../../encoding/value.js'
import { RefList } from '../../hash/ref-list.js'
import type { CheckOptions, ChildrenOf, ChunkStore, Collected, Finding } from '../chunk-store.js'
import type { ListKind } from './protocol.js'

/** Refs or heads on a page. */
const PAGE_ITEMS = 512

/** A page of a check or a collection comes after this long, whatever there is to tell, so that its progress is seen. */
const PROGRESS_MS = 100

/** Most refs of a finding in one piece. */
const FINDING_REFS = 50_000

/** Gives the next page; null for the one after the last. */
export interface ServedList {
  page(): Promise<Value>
  /** Gives up what is left; resolves once a check has noted how far it came. */
  leave(): Promise<void>
}

export function serveList(store: ChunkStore, kind: ListKind, prefix: string): ServedList {
  switch (kind) {
    case 'refs':
      return new ItemList(store.refs(prefix), (ref) => ref)
    case 'sizes':
      return new ItemList(store.sizes(), ({ ref, bytes }) => [ref, bytes])
    case 'heads':
      return new ItemList(store.heads.list(prefix), ({ name, ref }) => [name, ref])
  }
}

/** Pages `[item, ...]`. */
class ItemList<T> implements ServedList {
  readonly #items: AsyncIterator<T>
  readonly #write: (item: T) => Value

  constructor(items: AsyncIterable<T>, write: (item: T) => Value) {
    this.#items = items[Symbol.asyncIterator]()
    this.#write = write
  }

  async page(): Promise<Value> {
    const page: Value[] = []
    while (page.length < PAGE_ITEMS) {
      const { done, value } = await this.#items.next()
      if (done === true) return page.length > 0 ? page : null
      page.push(this.#write(value))
    }
    return page
  }

  async leave(): Promise<void> {
    this.#items.return?.().catch(() => {})
  }
}

/** Pages `[bytes read since the last page, all bytes, words, refs]`, the last two null where nothing was found. */
export class CheckList implements ServedList {
  readonly #stop = new AbortController()
  readonly #findings: AsyncIterator<Finding>
  #next: Promise<IteratorResult<Finding>> | undefined
  /** What was found and not told yet. */
  readonly #pieces: Finding[] = []
  #bytes = 0
  #totalBytes = 0
  #isDone = false

  constructor(store: ChunkStore, { sample, resume }: Pick<CheckOptions, 'sample' | 'resume'>) {
    const { signal } = this.#stop
    const onProgress = (bytes: number, totalBytes: number): void => {
      this.#bytes += bytes
      this.#totalBytes = totalBytes
    }
    this.#findings = store.check({ sample, resume, signal, onProgress })[Symbol.asyncIterator]()
  }

  async page(): Promise<Value> {
    if (this.#pieces.length === 0) {
      if (this.#isDone) return null
      await this.#goOn()
    }
    const { message, refs } = this.#pieces.shift() ?? {}
    const bytes = this.#bytes
    this.#bytes = 0
    return [bytes, this.#totalBytes, message ?? null, refs === undefined ? null : RefList.of(refs).bytes]
  }

  async #goOn(): Promise<void> {
    this.#next ??= this.#findings.next()
    // Its failure is met by the page that sees its result.
    this.#next.catch(() => {})
    const result = await within(PROGRESS_MS, this.#next)
    if (result === undefined) return
    this.#next = undefined
    if (result.done === true) this.#isDone = true
    else this.#pieces.push(...inPieces(result.value))
  }

  async leave(): Promise<void> {
    this.#stop.abort()
    await this.#findings.return?.().catch(() => {})
  }
}

/** Pages `[chunks found to be needed, all chunks, result]`; the last one has the result, those before null. */
export class CollectList implements ServedList {
  readonly #stop = new AbortController()
  readonly #collecting: Promise<Collected>
  #chunks = 0
  #totalChunks = 0
  #isDone = false

  constructor(store: ChunkStore, childrenOf: ChildrenOf, dryRun: boolean) {
    const onProgress = (chunks: number, totalChunks: number): void => {
      this.#chunks = chunks
      this.#totalChunks = totalChunks
    }
    this.#collecting = store.collect({ childrenOf, dryRun, signal: this.#stop.signal, onProgress })
    // Its failure is met by the page that sees its result.
    this.#collecting.catch(() => {})
  }

  async page(): Promise<Value> {
    if (this.#isDone) return null
    const collected = await within(PROGRESS_MS, this.#collecting)
    this.#isDone = collected !== undefined
    return [this.#chunks, this.#totalChunks, collected === undefined ? null : resultOf(collected)]
  }

  async leave(): Promise<void> {
    this.#stop.abort()
  }
}

function resultOf({ keptChunks, freedChunks, freedBytes, storedBytes }: Collected): Value {
  return [keptChunks, freedChunks, freedBytes, storedBytes ?? null]
}

/** A finding as messages can carry it. */
function inPieces({ message, refs }: Finding): Finding[] {
  const pieces: Finding[] = [{ message, refs: refs.slice(0, FINDING_REFS) }]
  for (let at = FINDING_REFS; at < refs.length; at += FINDING_REFS) {
    pieces.push({ message, refs: refs.slice(at, at + FINDING_REFS) })
  }
  return pieces
}

/** What `promise` resolves to; undefined if that takes more than `ms`. */
async function within<T>(ms: number, promise: Promise<T>): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, ms, undefined)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}
