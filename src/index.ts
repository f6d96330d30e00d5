/** The public names of nomsy. */

export { Blob } from './blob/blob.js'
export { BlobSlice, type ReadOptions, type StreamOptions } from './blob/blob-slice.js'
export type { BlobSource, PutOptions } from './blob/blob-source.js'
export type { KeyRange } from './collection/key-range.js'
export { List, type ListRange } from './collection/list.js'
export type { ListConflict, ListMergeOptions } from './collection/list-conflict.js'
export { ListEdit } from './collection/list-edit.js'
export { MapEdit } from './collection/map-edit.js'
export type { MapConflict, MapMergeOptions } from './collection/map-merge.js'
export type { AnyCollection } from './collection/open-collection.js'
export { SetEdit } from './collection/set-edit.js'
export { type MapChange, SortedMap } from './collection/sorted-map.js'
export { type SetChange, SortedSet } from './collection/sorted-set.js'
export type { ItemOf, Source, WriteOptions } from './collection/source.js'
export type { Input, Key, Storable, StorableKey, Stored, StoredKey, Value } from './collection/value.js'
export type { CheckDatabaseOptions, Problem } from './database/check/check.js'
export { Commit } from './database/commit.js'
export { Database, type DatabaseOptions, type PutTreeResult } from './database/database.js'
export type { Expired, ExpireOptions } from './database/expire.js'
export type { GcOptions } from './database/gc.js'
export type { ChangeValue, CommitOptions, CommitWords, UpdateOptions } from './database/head-commit.js'
export type { LogOptions } from './database/log.js'
export type { MergeOptions } from './database/merge.js'
export type { MergeConflict, MergeResolution, ResolveMerge, ValueConflict } from './database/merge-values.js'
export { type OpenOptions, open, type RepairStoreOptions, repair } from './database/open.js'
export type { Repaired, RepairOptions } from './database/repair.js'
export type { ResolvedObject } from './database/resolve.js'
export type { Retention, RetentionRule } from './database/retention.js'
export type { Amount, HeadStats, Stats, StatsOptions } from './database/stats.js'
export type { WatchOptions } from './database/watched-heads.js'
export {
  DamagedChunkError,
  DamagedStoreError,
  DestinationError,
  EncodingError,
  HeadConflictError,
  InvalidNodeError,
  MergeConflictError,
  MissingChunkError,
  NomsyError,
  type NomsyErrorCode,
  StoreError,
  StoreLockedError,
  TreePathError,
  UnknownObjectError,
  UnsupportedPlatformError,
} from './errors.js'
export { Ref } from './hash/ref.js'
export type { Change } from './sequence/diff.js'
export {
  type CheckOptions,
  type Children,
  type Chunk,
  type ChunkSize,
  type ChunkStore,
  type Collected,
  type CollectOptions,
  chunkOf,
  type Finding,
  type Head,
  type Heads,
  type Sample,
  type Usage,
} from './store/chunk-store.js'
export { LevelStore } from './store/level-store.js'
export type { LostChunks } from './store/lost-chunks.js'
export { MemoryStore } from './store/memory-store.js'
export { type DiffOptions, Directory } from './tree/directory.js'
export type { TreeChange } from './tree/directory-diff.js'
export { DirectoryEdit } from './tree/directory-edit.js'
export type { ResolveTreeConflict, TreeConflict, TreeMergeOptions } from './tree/directory-merge.js'
export type {
  Attributes,
  DeviceEntry,
  DirectoryEntry,
  Entry,
  EntryName,
  FileEntry,
  Kind,
  PipeEntry,
  SymlinkEntry,
  TopAttributes,
} from './tree/entry.js'
export { ALL_KINDS, REPRODUCIBLE_KINDS } from './tree/kinds.js'
export type { ExtractOptions, ExtractProblem, ExtractResult } from './tree/local/extract-run.js'
export type { PutTreeOptions, TreeProblem } from './tree/local/put-tree.js'
export type { PutTarOptions } from './tree/tar/put-tar.js'
export type { TarOptions } from './tree/tar/tar-of.js'
export type { TreePath } from './tree/tree-path.js'
export type { WalkedEntry, WalkOptions } from './tree/walk-tree.js'
