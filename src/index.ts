/** The public names of nomsy. */

export { Blob } from './blob/blob.js'
export { BlobSlice, type ReadOptions, type StreamOptions } from './blob/blob-slice.js'
export type { BlobSource, PutOptions } from './blob/blob-source.js'
export type { Problem } from './database/check.js'
export { Database, type DatabaseOptions } from './database/database.js'
export { type OpenOptions, open } from './database/open.js'
export type { ResolvedObject } from './database/resolve.js'
export {
  DamagedChunkError,
  DamagedStoreError,
  EncodingError,
  HeadConflictError,
  InvalidNodeError,
  MissingChunkError,
  NomsyError,
  type NomsyErrorCode,
  StoreError,
  StoreLockedError,
  UnknownObjectError,
} from './errors.js'
export { Ref } from './hash/ref.js'
export type { Change } from './sequence/diff.js'
export {
  type CheckOptions,
  type Chunk,
  type ChunkStore,
  chunkOf,
  type Finding,
  type Head,
  type Heads,
} from './store/chunk-store.js'
export { LevelStore } from './store/level-store.js'
export { MemoryStore } from './store/memory-store.js'
