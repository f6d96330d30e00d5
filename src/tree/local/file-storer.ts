/**
 * Stores the files of a tree, many at a time: small ones by the batch, read, cut and hashed by workers (read-job.ts);
 * large ones one by one, as any blob.
 */

import { REF_BYTES, Ref } from '../../hash/ref.js'
import { runModuleJob, sharedMemory } from '../../parallel/pool.js'
import { type ChunkTarget, DISCARD } from '../../sequence/chunk-sink.js'
import type { Chunk } from '../../store/chunk-store.js'
import type { Kind } from '../entry.js'
import { writeIntegers } from './integer-list.js'
import { EntryPacker, PackedEntry as Packed, type PackedEntry } from './packed-entry.js'
import {
  READ,
  READ_BYTES,
  READ_FILES,
  READ_JOB,
  READ_MEMORY_BYTES,
  type ReadGroup,
  type ReadReply,
  SMALL_FILE_BYTES,
} from './read-job.js'
import type { ScanDirectory } from './scan.js'
import { storeLargeFile } from './store-large-file.js'

/** Batches and large files under way at a time. */
const MAX_BATCHES = 4
const MAX_LARGE = 2

/** A file on its way to the store. */
export class StoredFile {
  /** Whether it is being read, or has been; and whether all that is said below is. */
  isBegun = false
  isDone = false
  /** Once it is stored; undefined too where it could not be. */
  content: Ref | undefined
  holes: Ref | undefined
  /** The entry as it was when it was read, packed, where that is not how it was listed. */
  entry: Uint8Array | undefined
  /** What went wrong. */
  message: string | undefined
}

export interface FileStorerOptions {
  readonly target: ChunkTarget
  readonly kinds: readonly Kind[]
  readonly signal?: AbortSignal | undefined
  /** Told of files and bytes read, and of bytes of new chunks. */
  readonly onProgress: (files: number, bytes: number, newBytes: number) => void
}

interface Batch {
  readonly groups: ReadGroup[]
  readonly files: StoredFile[]
  bytes: number
}

export class FileStorer {
  readonly #options: FileStorerOptions
  #batch: Batch = newBatch()
  /** Files of the directory that comes last in the batch. */
  #group: { readonly directory: ScanDirectory; readonly packer: EntryPacker } | undefined
  readonly #underWay = new Set<Promise<void>>()
  #largeCount = 0
  readonly #spare: Uint8Array[] = []
  #failure: unknown

  constructor(options: FileStorerOptions) {
    this.#options = options
  }

  /** Takes the file that `entry` is at. */
  add(directory: ScanDirectory, entry: PackedEntry): StoredFile {
    const file = new StoredFile()
    const { size } = entry
    if (size > SMALL_FILE_BYTES) {
      file.isBegun = true
      this.#storeLarge(directory, entry.packed.slice(), file)
      return file
    }
    if (this.#batch.bytes + size > READ_BYTES || this.#batch.files.length >= READ_FILES) this.flush()
    if (this.#group?.directory !== directory) {
      this.#endGroup()
      this.#group = { directory, packer: new EntryPacker(4096) }
    }
    this.#group.packer.addPacked(entry.packed)
    this.#batch.files.push(file)
    this.#batch.bytes += size
    return file
  }

  /** Begins with all files that were taken. */
  flush(): void {
    this.#endGroup()
    if (this.#batch.files.length === 0) return
    const batch = this.#batch
    this.#batch = newBatch()
    for (const file of batch.files) file.isBegun = true
    this.#begin(this.#storeBatch(batch))
  }

  /** Whether {@link ready} is to be awaited before more is added. */
  get isBusy(): boolean {
    const batchCount = this.#underWay.size - this.#largeCount
    return batchCount >= MAX_BATCHES || this.#largeCount >= MAX_LARGE
  }

  /** Resolves when there is room for more. Rejects with what has gone wrong. */
  async ready(): Promise<void> {
    while (this.isBusy) await this.step()
    if (this.#failure !== undefined) throw this.#failure
  }

  /** Resolves when something that is under way is done. */
  async step(): Promise<void> {
    await Promise.race(this.#underWay)
    if (this.#failure !== undefined) throw this.#failure
  }

  /** Resolves when all files that were taken are stored. */
  async end(): Promise<void> {
    this.flush()
    while (this.#underWay.size > 0) await this.step()
    if (this.#failure !== undefined) throw this.#failure
  }

  /** Resolves when no file is being read any more. */
  async abandon(): Promise<void> {
    await Promise.allSettled(this.#underWay)
  }

  #endGroup(): void {
    if (this.#group === undefined) return
    const { directory, packer } = this.#group
    this.#group = undefined
    this.#batch.groups.push({ path: directory.path, id: directory.id, entries: packer.take() })
  }

  #begin(work: Promise<void>): void {
    const done = work
      .catch((error: unknown) => {
        this.#failure ??= error
      })
      .finally(() => this.#underWay.delete(done))
    this.#underWay.add(done)
  }

  async #storeBatch({ groups, files, bytes }: Batch): Promise<void> {
    const { kinds, target, onProgress } = this.#options
    const discards = target === DISCARD
    const memory = this.#spare.pop() ?? sharedMemory(discards ? 0 : READ_MEMORY_BYTES)
    // What the job needs besides: each file is opened, looked at twice and closed.
    const jobBytes = bytes + files.length * 4096
    // Before the job is waited for: in place it is done at once.
    const entries = groups.map((group) => group.entries.slice())
    const reply = await runModuleJob(READ_JOB, jobBytes, groups, memory, { kinds, discards })
    const newBytes = await target.put(this.#chunksOf(reply, memory))
    onProgress(files.length, bytes, newBytes)
    for (const [index, file] of files.entries()) {
      if (reply.outcomes[index]! > READ.changed) continue
      file.content = Ref.fromBytes(reply.roots.subarray(index * REF_BYTES, (index + 1) * REF_BYTES))
    }
    for (const { file: index, entry, holes, message } of reply.notes) {
      const file = files[index]!
      file.entry = entry
      file.message = message
      if (holes !== undefined && holes.length > 0) file.holes = await writeIntegers(target, holes)
    }
    // What has grown meanwhile.
    let at = 0
    for (const [group, { path }] of groups.entries()) {
      const entry = new Packed(entries[group]!)
      for (; entry.next(); at++) {
        if (reply.outcomes[at] === READ.large) await this.#readLarge(path, entry.packed, files[at]!)
        files[at]!.isDone = true
      }
    }
  }

  #chunksOf({ bytes, ends, refs }: ReadReply, memory: Uint8Array): Chunk[] {
    const isLent =
      bytes.buffer.byteLength === memory.buffer.byteLength && bytes.buffer instanceof SharedArrayBuffer
    let used = ends.length
    const release = (): void => {
      if (--used === 0) this.#spare.push(new Uint8Array(bytes.buffer))
    }
    if (used === 0 && isLent) this.#spare.push(memory)
    const chunks = new Array<Chunk>(ends.length)
    let start = 0
    for (let index = 0; index < ends.length; index++) {
      const end = ends[index]!
      const ref = Ref.fromBytes(refs.subarray(index * REF_BYTES, (index + 1) * REF_BYTES))
      const chunk = bytes.subarray(start, end)
      chunks[index] = isLent ? { ref, bytes: chunk, release } : { ref, bytes: chunk }
      start = end
    }
    return chunks
  }

  #storeLarge(directory: ScanDirectory, entry: Uint8Array, file: StoredFile): void {
    this.#largeCount++
    const work = this.#readLarge(directory.path, entry, file)
    this.#begin(
      work.finally(() => {
        this.#largeCount--
        file.isDone = true
      }),
    )
  }

  async #readLarge(path: Uint8Array, packed: Uint8Array, file: StoredFile): Promise<void> {
    Object.assign(file, await storeLargeFile(path, packed, this.#options))
  }
}

function newBatch(): Batch {
  return { groups: [], files: [], bytes: 0 }
}
