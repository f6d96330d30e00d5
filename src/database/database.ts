/**
 * A database: a store, the cache of its nodes, and the values in it. What `open` gives.
 */

import { Blob } from '../blob/blob.js'
import type { BlobSlice } from '../blob/blob-slice.js'
import type { BlobSource, PutOptions } from '../blob/blob-source.js'
import { List } from '../collection/list.js'
import { type AnyCollection, openCollection } from '../collection/open-collection.js'
import { SortedMap } from '../collection/sorted-map.js'
import { SortedSet } from '../collection/sorted-set.js'
import type { ItemOf, Source, WriteOptions } from '../collection/source.js'
import type { Input, Key, Storable, StorableKey, Stored, StoredKey, Value } from '../collection/value.js'
import { InvalidNodeError, MissingChunkError } from '../errors.js'
import { Ref } from '../hash/ref.js'
import { kindOf } from '../sequence/kind.js'
import { NodeCache } from '../sequence/node-cache.js'
import type { ChunkStore, Collected, Head, Heads } from '../store/chunk-store.js'
import { DIR_FORMAT } from '../tree/dir-format.js'
import { Directory } from '../tree/directory.js'
import type { ExtractOptions, ExtractResult } from '../tree/local/extract-run.js'
import type { PutTreeOptions, TreeSummary } from '../tree/local/put-tree.js'
import type { PutTarOptions } from '../tree/tar/put-tar.js'
import type { TarOptions } from '../tree/tar/tar-of.js'
import { type CheckDatabaseOptions, checkAll, checkObject, type Problem } from './check/check.js'
import type { Commit } from './commit.js'
import { commonAncestor } from './common-ancestor.js'
import { type Expired, type ExpireOptions, expireHead } from './expire.js'
import { childrenIn, type GcOptions } from './gc.js'
import {
  type ChangeValue,
  type CommitContext,
  type CommitOptions,
  commitToHead,
  type UpdateOptions,
  updateHead,
} from './head-commit.js'
import { readCommit, valueAt } from './history.js'
import { type LogOptions, log } from './log.js'
import { conflictsBetween, type MergeOptions, mergeIntoHead } from './merge.js'
import type { MergeConflict } from './merge-values.js'
import { putPlainValue, readPlainValue } from './plain-value.js'
import { type Repaired, type RepairOptions, repairChunks } from './repair.js'
import { type ResolvedObject, resolveObject } from './resolve.js'
import { type Stats, type StatsOptions, statsOf } from './stats.js'
import { WatchedHeads, type WatchOptions } from './watched-heads.js'

/** Pins are heads under this prefix, named by the ref they hold. SPEC "Heads". */
export const PIN_PREFIX = 'pins/'

export interface DatabaseOptions {
  /** Budget of the cache of decoded nodes in bytes; 32 MiB where left out. */
  readonly cacheBytes?: number | undefined
}

/** What became of a directory on disk. */
export interface PutTreeResult extends Omit<TreeSummary, 'ref'> {
  readonly tree: Directory
}

export interface BlobOptions {
  /** Files, and directories with files, that may have some of its bytes. */
  readonly seeds?: readonly string[] | undefined
  readonly signal?: AbortSignal | undefined
}

export class Database {
  readonly store: ChunkStore
  /** Where everything lives. */
  readonly #context: CommitContext
  readonly #heads: WatchedHeads

  constructor(store: ChunkStore, options: DatabaseOptions = {}) {
    this.store = store
    this.#heads = new WatchedHeads(store.heads)
    const cache = new NodeCache(options.cacheBytes)
    this.#context = { store, heads: this.#heads, cache }
    // With nodes of what goes in the cache, trees could be opened that are no longer there.
    store.hold({ held: () => cache.clear() })
  }

  /** Names for refs, moved by compare-and-set. */
  get heads(): Heads {
    return this.#heads
  }

  /**
   * Stores bytes and gives the blob. They are durable after {@link flush}, {@link pin} or a head's update, and
   * stay for good once a head or pin holds them.
   */
  putBlob(source: BlobSource, options?: PutOptions): Promise<Blob> {
    return Blob.put(this.#context, source, options)
  }

  /**
   * The blob `ref`. Rejects with NOMSY_MISSING_CHUNK, or NOMSY_INVALID_NODE where it is something else. With `seeds`, which
   * are looked at first, what lies in those files is read from there; see {@link ExtractOptions.seeds}.
   */
  async blob(ref: Ref, { seeds = [], signal }: BlobOptions = {}): Promise<Blob> {
    checkRef(ref)
    if (seeds.length === 0) return Blob.open(this.#context, ref)
    const { seededContext } = await import('../tree/local/seeded-store.js')
    return Blob.open(await seededContext(this.#context, seeds, signal), ref)
  }

  /** The blobs' bytes one after the other, as a new blob that shares their chunks. */
  concat(blobs: readonly BlobSlice[]): Promise<Blob> {
    return Blob.concat(this.#context, blobs)
  }

  /**
   * Stores items as a list, in their order. Like all that is stored they are durable after {@link flush}, {@link pin}
   * or a head's update. Rejects with a TypeError or RangeError that names what cannot be stored.
   */
  list<S extends Source<Storable>>(items: S, options?: WriteOptions): Promise<List<Stored<ItemOf<S>>>>
  /** The same, of items of a type that is given; without items an empty list; of a ref the list that it stands for. */
  list<T extends Value>(items?: Source<NoInfer<Input<T>>> | Ref, options?: WriteOptions): Promise<List<T>>
  list(items: Source<unknown> | Ref = [], options?: WriteOptions): Promise<unknown> {
    if (items instanceof Ref) return List.open(this.#context, items)
    return List.from(this.#context, items, options)
  }

  /**
   * Stores entries, `[key, value]`, as a map sorted by key; they may come in any order, and of those with the same key
   * the last one counts. Rejects with a TypeError or RangeError that names what cannot be stored.
   */
  map<E extends readonly [StorableKey, Storable]>(
    entries: Source<E>,
    options?: WriteOptions,
  ): Promise<SortedMap<StoredKey<E[0]>, Stored<E[1]>>>
  /** The same, of types that are given; without entries an empty map; of a ref the map that it stands for. */
  map<K extends Key, V extends Value>(
    entries?: Source<readonly [NoInfer<Input<K>>, NoInfer<Input<V>>]> | Ref,
    options?: WriteOptions,
  ): Promise<SortedMap<K, V>>
  map(entries: Source<readonly [unknown, unknown]> | Ref = [], options?: WriteOptions): Promise<unknown> {
    if (entries instanceof Ref) return SortedMap.open(this.#context, entries)
    return SortedMap.from(this.#context, entries, options)
  }

  /**
   * Stores keys as a sorted set; they may come in any order, and again and again. Rejects with a TypeError or
   * RangeError that names what cannot be stored.
   */
  set<S extends Source<StorableKey>>(
    keys: S,
    options?: WriteOptions,
  ): Promise<SortedSet<StoredKey<ItemOf<S>>>>
  /** The same, of keys of a type that is given; without keys an empty set; of a ref the set that it stands for. */
  set<K extends Key>(keys?: Source<NoInfer<Input<K>>> | Ref, options?: WriteOptions): Promise<SortedSet<K>>
  set(keys: Source<unknown> | Ref = [], options?: WriteOptions): Promise<unknown> {
    if (keys instanceof Ref) return SortedSet.open(this.#context, keys)
    return SortedSet.from(this.#context, keys, options)
  }

  /**
   * The directory that `ref` stands for; left out, an empty one, to be edited. Rejects with NOMSY_MISSING_CHUNK, or
   * NOMSY_INVALID_NODE where it is something else.
   */
  async tree(ref?: Ref): Promise<Directory> {
    if (ref === undefined) return Directory.empty(this.#context)
    checkRef(ref)
    return Directory.open(this.#context, ref)
  }

  /**
   * Stores the directory at `path` of the disk: what is in it, and what the system says of that, as
   * {@link PutTreeOptions.with} tells. Like all that is stored it is durable after {@link flush}, {@link pin} or a head's
   * update. What changes or vanishes meanwhile, or cannot be read, is told among `problems` and does not end it. Rejects
   * with NOMSY_SOURCE_FAILED where the directory itself cannot be read, with NOMSY_UNSUPPORTED_PLATFORM.
   */
  async putTree(path: string, options?: PutTreeOptions): Promise<PutTreeResult> {
    const { writeTree } = await import('../tree/local/put-tree.js')
    const { store } = this
    return store.writing(async () => {
      const { ref, ...summary } = await writeTree({ target: store, store }, path, options)
      return { tree: await this.tree(ref), ...summary }
    })
  }

  /**
   * Stores what is in a tar archive (pax, GNU, ustar) as a directory: the one that its files on the disk would give, with
   * what the archive says of them, and `with` asks for. Members may come in any order; of those of the same name the last
   * one counts. Rejects with NOMSY_SOURCE_FAILED for what is no archive, or cut off within a member, and for names that
   * lead out of it. One that ends after a member, without its mark, is stored and told to `onProblem`.
   */
  async putTar(archive: AsyncIterable<Uint8Array>, options: PutTarOptions = {}): Promise<Directory> {
    const [{ putTar }, { userId, groupId }] = await Promise.all([
      import('../tree/tar/put-tar.js'),
      import('../tree/local/owner-calls.js'),
    ])
    return this.store.writing(() => putTar(this.#context, archive, options, { user: userId, group: groupId }))
  }

  /**
   * The directory as a tar archive, the same bytes each time, with all that was recorded but for sockets. Ends
   * with the errors of what cannot be read.
   */
  async *tar(directory: Directory | Ref, options?: TarOptions): AsyncGenerator<Uint8Array> {
    const { tarOf } = await import('../tree/tar/tar-of.js')
    yield* tarOf(directory instanceof Directory ? directory : await this.tree(directory), options)
  }

  /**
   * Writes a directory to the file system, with all that was recorded of it: to `path`, which must not be there or be an
   * empty directory, or `into` one that is. Resolves to what was written; what could not be brought back as it was is
   * told to `onProblem`, and counted. Whatever is in the tree, nothing is written outside of `path`. Rejects with
   * NOMSY_DESTINATION where it cannot go there, with NOMSY_UNSUPPORTED_PLATFORM, and where nothing more can be written;
   * what was written by then is taken up the next time.
   */
  async extract(directory: Directory | Ref, path: string, options?: ExtractOptions): Promise<ExtractResult> {
    const { extractTree } = await import('../tree/local/extract-tree.js')
    const tree = directory instanceof Directory ? directory : await this.tree(directory)
    return extractTree(this.#context, tree, path, options)
  }

  /**
   * The blob, list, map, set or directory that `ref` stands for. Rejects with NOMSY_MISSING_CHUNK, or
   * NOMSY_INVALID_NODE where it is something else.
   */
  async get(ref: Ref): Promise<Blob | AnyCollection | Directory> {
    checkRef(ref)
    const chunk = await this.store.get(ref)
    if (chunk === undefined) throw new MissingChunkError(ref.toString())
    const kind = kindOf(chunk)
    if (kind === 'blob') return Blob.open(this.#context, ref)
    if (kind === DIR_FORMAT.kind) return Directory.open(this.#context, ref)
    const collection = await openCollection(this.#context, kind, ref)
    if (collection !== undefined) return collection
    const why = `${kind ?? 'nothing known'} and no blob, list, map, set or directory`
    throw new InvalidNodeError(ref.toString(), why)
  }

  /**
   * Stores a value that is small enough to be one chunk. Rejects with a TypeError or RangeError that names what cannot
   * be stored, with NOMSY_MISSING_CHUNK where the value refers to what is not here.
   */
  putValue(value: Storable): Promise<Ref> {
    return putPlainValue(this.store, value)
  }

  /** The value that was stored as `ref`. Rejects with NOMSY_MISSING_CHUNK, with NOMSY_INVALID_NODE for other things. */
  async readValue(ref: Ref): Promise<Value> {
    checkRef(ref)
    return readPlainValue(this.store, ref)
  }

  /**
   * What a person's `object` means: a head's name, a ref, or the beginning of a ref, and `~N` after it for the commit
   * that came N before. Rejects with NOMSY_UNKNOWN_OBJECT.
   */
  resolve(object: string): Promise<ResolvedObject> {
    return resolveObject(this.store, object)
  }

  /**
   * The ref of the value that `object` stands for: of a commit what was committed, of all else the thing itself.
   * `db.at('main~3')` is what was in main three commits ago. Rejects with NOMSY_UNKNOWN_OBJECT, NOMSY_MISSING_CHUNK.
   */
  async at(object: string | Ref): Promise<Ref> {
    return valueAt(this.store, await this.#refOf(object))
  }

  /** What the head `name` names, a commit or any other object; undefined where there is no such head. */
  head(name: string): Promise<Ref | undefined> {
    return this.heads.get(name)
  }

  /**
   * Stores a commit of `value` and moves the head `name` to it, which is made if it is absent; durable when it
   * resolves. A Ref, blob, list, map or set is committed as it is, any other value is stored first, as
   * {@link putValue} does. It follows what the head names; where that is no commit, it has no parents.
   *
   * Rejects with NOMSY_HEAD_CONFLICT if somebody else moves the head meanwhile, or it is not what is expected: the head
   * stays theirs. {@link update} begins again instead. Rejects with NOMSY_MISSING_CHUNK where the value, a parent or
   * what the meta refers to is not here, with NOMSY_INVALID_NODE where a parent is no commit, with a TypeError or
   * RangeError for what cannot be stored.
   */
  async commit(name: string, value: Storable, options: CommitOptions = {}): Promise<Commit> {
    checkNoPin(name)
    return commitToHead(this.#context, name, value, options)
  }

  /**
   * Commits what `change` makes of the value that the head `name` has now, whose ref it is given (undefined: there is
   * none). If somebody else moves the head meanwhile, that is done anew from what is there then, up to `retries` times,
   * so that no change is lost. Rejects as {@link commit}, and with what `change` throws.
   */
  async update(name: string, change: ChangeValue, options: UpdateOptions = {}): Promise<Commit> {
    checkNoPin(name)
    return updateHead(this.#context, name, change, options)
  }

  /**
   * The commit that `object` stands for. Rejects with NOMSY_UNKNOWN_OBJECT, NOMSY_MISSING_CHUNK, with
   * NOMSY_INVALID_NODE where it is no commit.
   */
  async readCommit(object: string | Ref): Promise<Commit> {
    return readCommit(this.store, await this.#refOf(object))
  }

  /**
   * The commit that `object` stands for and all before it, each once, a commit always before those that it follows: by
   * falling generation, then the latest first. Holds in memory only what lies side by side. Rejects as
   * {@link readCommit}.
   */
  async *log(object: string | Ref, options?: LogOptions): AsyncGenerator<Commit> {
    yield* log(this.store, await this.#refOf(object), options)
  }

  /**
   * The commit where the histories of two commits part: of those in both, the one that comes first in the {@link log};
   * undefined where they share nothing. Costs what lies between. Rejects as {@link readCommit}.
   */
  async commonAncestor(a: string | Ref, b: string | Ref): Promise<Commit | undefined> {
    return commonAncestor(this.store, await this.#refOf(a), await this.#refOf(b))
  }

  /**
   * Makes the head `name`, naming what `object` stands for; gives the ref. Rejects with NOMSY_HEAD_CONFLICT if there is
   * one already, with NOMSY_UNKNOWN_OBJECT, NOMSY_MISSING_CHUNK.
   */
  async branch(name: string, object: string | Ref): Promise<Ref> {
    checkNoPin(name)
    const ref = await this.#refOf(object)
    await this.heads.compareAndSet(name, undefined, ref)
    return ref
  }

  /**
   * Brings what the commit `object` has, and the head `name` has not, into the head; gives the commit that it names
   * then. Where one follows the other no commit is made. Else the values are merged, three-way from their
   * {@link commonAncestor}: what only one side changed is taken, lists, maps and sets are merged by their items.
   *
   * Rejects with NOMSY_MERGE_CONFLICT where both changed the same and `resolve` does not say what to take, with
   * NOMSY_HEAD_CONFLICT if somebody else moves the head meanwhile, and as {@link readCommit}. The head stays where it
   * was then.
   */
  async merge(name: string, object: string | Ref, options: MergeOptions = {}): Promise<Commit> {
    checkNoPin(name)
    const { message = `merge ${object}`, ...others } = options
    return mergeIntoHead(this.#context, name, await this.#refOf(object), { message, ...others })
  }

  /**
   * What a merge of the commit `theirs` into `ours` would ask `resolve` about: nothing where it would go through. Writes
   * nothing. Rejects as {@link readCommit}.
   */
  async *conflicts(ours: string | Ref, theirs: string | Ref): AsyncGenerator<MergeConflict> {
    yield* conflictsBetween(this.#context, await this.#refOf(ours), await this.#refOf(theirs))
  }

  /**
   * Makes the history of the head `name` shorter: of its commits, along first parents, those stay that `options` say,
   * and the present one always. Commits that follow one that goes are made anew, with other refs and one parent each.
   * {@link gc} frees what no head leads to any more. Rejects with NOMSY_UNKNOWN_OBJECT, with NOMSY_INVALID_NODE where the
   * head names no commit, with NOMSY_HEAD_CONFLICT if somebody else moves it meanwhile, with a RangeError where
   * `options` say nothing.
   */
  async expire(name: string, options: ExpireOptions): Promise<Expired> {
    checkNoPin(name)
    return expireHead(this.#context, name, options)
  }

  /**
   * The ref that the head `name` names, undefined while there is no such head: first the present one, then each that
   * differs from the one before. Whoever is slow to ask is given the latest, and not those in between. Changes through
   * this database are seen at once, others within a second. Ends when `signal` aborts or the database is closed.
   */
  watch(name: string, options?: WatchOptions): AsyncGenerator<Ref | undefined> {
    return this.#heads.watch(name, options)
  }

  /** Points the head `name` at `ref`, whatever it was before; durable when it resolves. */
  async setHead(name: string, ref: Ref): Promise<void> {
    checkNoPin(name)
    for (;;) {
      const before = await this.heads.get(name)
      try {
        // Also where nothing changes: the log may hold the head damaged.
        return await this.heads.compareAndSet(name, before, ref)
      } catch (error) {
        if (!isConflict(error)) throw error
      }
    }
  }

  /** Keeps everything under `ref` from garbage collection without a name; durable when it resolves. */
  async pin(ref: Ref): Promise<void> {
    checkRef(ref)
    const name = PIN_PREFIX + ref
    if ((await this.heads.get(name)) !== undefined) return this.flush()
    try {
      await this.heads.compareAndSet(name, undefined, ref)
    } catch (error) {
      // Somebody else pinned it in between.
      if (!isConflict(error)) throw error
    }
  }

  /** Removes the head `name`, or the pin of the ref so written; false where there is none. */
  async remove(name: string): Promise<boolean> {
    for (const candidate of [name, PIN_PREFIX + name]) {
      const ref = await this.heads.get(candidate)
      if (ref === undefined) continue
      await this.heads.compareAndSet(candidate, ref, undefined)
      return true
    }
    return false
  }

  /** All heads and, without a name, all pins. */
  async *roots(): AsyncGenerator<{ readonly name: string | undefined; readonly ref: Ref }> {
    const isPin = ({ name }: Head): boolean => name.startsWith(PIN_PREFIX)
    for await (const head of this.heads.list())
      yield { name: isPin(head) ? undefined : head.name, ref: head.ref }
  }

  /**
   * How much the store holds and takes up, and how much of it only one head or pin holds. Reads all nodes that they lead
   * to, but for the leaves of blobs. Rejects with NOMSY_MISSING_CHUNK or NOMSY_DAMAGED_CHUNK where one cannot be read.
   */
  stats(options?: StatsOptions): Promise<Stats> {
    return statsOf(this.store, options)
  }

  /**
   * What is wrong with the store, or with the object `ref` alone; gives nothing where all is well. Follows what heads
   * and pins hold: nodes and commits are read and held against the rules, of the data of blobs it is enough that it is
   * there. With `data` every stored byte is read and re-hashed too, with `sample` a random share of them.
   */
  check(
    options: CheckDatabaseOptions & { readonly ref?: Ref | undefined; readonly name?: string } = {},
  ): AsyncGenerator<Problem> {
    const { ref, name = String(ref) } = options
    return ref === undefined ? checkAll(this.store, options) : checkObject(this.store, ref, name, options)
  }

  /**
   * Brings damaged and missing chunks back, from another store or from files, and marks those that stay away as lost.
   * A store whose log is damaged is to be mended before it can be opened for that: `repair` does both.
   */
  repair(options?: RepairOptions): Promise<Repaired> {
    return repairChunks(this.store, options)
  }

  /**
   * Frees the room of all that nothing needs: that is under no head and no pin, in no blob, list, map, set or directory
   * that a program still has, this one or another that shares the store, and in nothing that is being written. What was
   * put, found or read since this began stays too. Others may go on meanwhile; what they were writing when this began is
   * waited for. `onProgress` is told of chunks.
   *
   * Rejects with NOMSY_MISSING_CHUNK or NOMSY_DAMAGED_CHUNK, and frees nothing, where a head or pin leads to a chunk
   * that cannot say what is under it.
   */
  gc(options: GcOptions = {}): Promise<Collected> {
    return this.store.collect({ ...options, childrenOf: childrenIn })
  }

  /** Makes everything put before durable. */
  flush(): Promise<void> {
    return this.store.flush()
  }

  /** Flushes and lets go of the store. Twice is harmless. */
  async close(): Promise<void> {
    try {
      await this.store.close()
    } finally {
      this.#heads.lookAgain()
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #refOf(object: string | Ref): Promise<Ref> {
    if (typeof object === 'string') return (await this.resolve(object)).ref
    checkRef(object)
    return object
  }
}

function checkNoPin(name: string): void {
  if (name.startsWith(PIN_PREFIX))
    throw new RangeError(`'${name}': names that begin with ${PIN_PREFIX} are pins`)
}

function checkRef(ref: unknown): void {
  if (!(ref instanceof Ref)) throw new TypeError(`${String(ref)} is no Ref; Ref.parse makes one of its text`)
}

function isConflict(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'NOMSY_HEAD_CONFLICT'
}
