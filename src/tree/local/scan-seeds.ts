/**
 * Looks at files on this disk, cuts and hashes them as a put would, and remembers where each chunk's bytes lie. What
 * cannot be read is passed over: seeds only save work.
 */

import { fstat as fstatAsync, realpathSync, statSync } from 'node:fs'
import { promisify } from 'node:util'
import { writeBlob } from '../../blob/blob.js'
import { BLOB_FORMAT } from '../../blob/blob-format.js'
import { DestinationError, SourceError } from '../../errors.js'
import { REF_BYTES, Ref } from '../../hash/ref.js'
import { runModuleJob, sharedMemory } from '../../parallel/pool.js'
import type { Chunk } from '../../store/chunk-store.js'
import { openFileOf } from './existing-entry.js'
import { AT_FDCWD, close } from './libc.js'
import { fileIdAt } from './list-job.js'
import { EntryPacker, PackedEntry } from './packed-entry.js'
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
import { Scan, type ScanDirectory } from './scan.js'
import { Seeds } from './seeds.js'
import { childPath } from './system-path.js'

/** Batches of small files under way at a time. */
const MAX_BATCHES = 3

const SCAN_OPTIONS = { kinds: [], exclude: '', oneFileSystem: false, without: undefined } as const

const stat = promisify(fstatAsync)

/**
 * The files at `paths`, and in the directories there. Rejects with NOMSY_DESTINATION where there is nothing at one of
 * them, and with the signal's reason.
 */
export async function scanSeeds(paths: readonly string[], signal?: AbortSignal): Promise<Seeds> {
  const seeds = new Seeds()
  for (const path of paths) {
    const { real, isDirectory } = at(path)
    if (isDirectory) await new DirectoryScan(seeds, real, signal).run()
    else await scanFile(seeds, real, signal)
  }
  return seeds
}

function at(path: string): { readonly real: Buffer; readonly isDirectory: boolean } {
  try {
    const real = realpathSync.native(path)
    return { real: Buffer.from(real), isDirectory: statSync(real).isDirectory() }
  } catch (cause) {
    throw new DestinationError(path, 'no file or directory to take bytes from', { cause })
  }
}

/** A file by itself. */
async function scanFile(seeds: Seeds, path: Uint8Array, signal?: AbortSignal): Promise<void> {
  const fd = openFileOf(AT_FDCWD, path)?.fd
  if (fd === undefined) return
  const file = seeds.addFile(path)
  let position = 0
  const put = async (chunks: readonly Chunk[]): Promise<number> => {
    for (const { ref, bytes, release } of chunks) {
      const length = leafLength(bytes)
      if (length !== undefined) seeds.add(ref, { file, position, length })
      position += length ?? 0
      release?.()
    }
    return 0
  }
  try {
    await writeBlob({ put }, { fd, stat: () => stat(fd) }, { signal })
  } catch (error) {
    // What was read of it counts all the same.
    if (!(error instanceof SourceError)) throw error
  } finally {
    close(fd)
  }
}

/** Bytes of the blob that lie in a chunk; undefined where that is no leaf. */
function leafLength(chunk: Uint8Array): number | undefined {
  return BLOB_FORMAT.isLeaf(chunk) ? BLOB_FORMAT.decodeLeaf(chunk).items.length : undefined
}

class DirectoryScan {
  readonly #seeds: Seeds
  readonly #signal: AbortSignal | undefined
  readonly #scan: Scan
  #groups: ReadGroup[] = []
  #group: { readonly directory: ScanDirectory; readonly packer: EntryPacker } | undefined
  #fileCount = 0
  #byteCount = 0
  readonly #underWay = new Set<Promise<void>>()
  readonly #spare: Uint8Array[] = []

  constructor(seeds: Seeds, path: Uint8Array, signal: AbortSignal | undefined) {
    this.#seeds = seeds
    this.#signal = signal
    this.#scan = new Scan(path, fileIdAt(path), SCAN_OPTIONS)
  }

  async run(): Promise<void> {
    try {
      const open = [this.#scan.root]
      for (let next = open.pop(); next !== undefined && !this.#seeds.isFull; next = open.pop()) {
        this.#signal?.throwIfAborted()
        const { entries } = await this.#scan.take(next)
        await this.#readFiles(next, entries)
        open.push(...next.children.reverse())
        next.children = []
      }
      this.#flush()
    } finally {
      await Promise.all([this.#scan.abandon(), ...this.#underWay])
    }
  }

  async #readFiles(directory: ScanDirectory, entries: Uint8Array): Promise<void> {
    const entry = new PackedEntry(entries)
    while (entry.next() && !this.#seeds.isFull) {
      if (!entry.isFile) continue
      if (entry.size > SMALL_FILE_BYTES) {
        await scanFile(this.#seeds, childPath(directory.path, entry.nameBytes), this.#signal)
      } else this.#add(directory, entry)
      while (this.#underWay.size >= MAX_BATCHES) await Promise.race(this.#underWay)
    }
  }

  #add(directory: ScanDirectory, entry: PackedEntry): void {
    const isFull = this.#byteCount + entry.size > READ_BYTES || this.#fileCount >= READ_FILES
    if (isFull) this.#flush()
    if (this.#group?.directory !== directory) {
      this.#endGroup()
      this.#group = { directory, packer: new EntryPacker(4096) }
    }
    this.#group.packer.addPacked(entry.packed)
    this.#fileCount++
    this.#byteCount += entry.size
  }

  #endGroup(): void {
    if (this.#group === undefined) return
    const { directory, packer } = this.#group
    this.#groups.push({ path: directory.path, id: directory.id, entries: packer.take() })
    this.#group = undefined
  }

  #flush(): void {
    this.#endGroup()
    if (this.#groups.length === 0) return
    const batch = this.#read(this.#groups, this.#byteCount).finally(() => this.#underWay.delete(batch))
    this.#underWay.add(batch)
    this.#groups = []
    this.#fileCount = 0
    this.#byteCount = 0
  }

  async #read(groups: readonly ReadGroup[], byteCount: number): Promise<void> {
    const memory = this.#spare.pop() ?? sharedMemory(READ_MEMORY_BYTES)
    // The job is given its arguments for good.
    const own = groups.map(({ path, entries }) => ({ path: path.slice(), entries: entries.slice() }))
    const reply = await runModuleJob(READ_JOB, byteCount, groups, memory, { kinds: [] })
    this.#remember(own, reply)
    this.#spare.push(memory)
  }

  /** The leaves of all files come one after the other; where one file ends is told by the files' sizes. */
  #remember(groups: readonly Pick<ReadGroup, 'path' | 'entries'>[], reply: ReadReply): void {
    const { bytes, ends, refs, outcomes, notes } = reply
    const changed = new Map(notes.map(({ file, entry }) => [file, entry]))
    let index = 0
    let chunk = 0
    for (const { path, entries } of groups) {
      const entry = new PackedEntry(entries)
      for (; entry.next(); index++) {
        if (outcomes[index]! > READ.changed) continue
        const size = sizeIn(changed.get(index)) ?? entry.size
        const file = this.#seeds.addFile(childPath(path, entry.nameBytes))
        let position = 0
        do {
          const leaf = bytes.subarray(ends[chunk - 1] ?? 0, ends[chunk])
          const ref = refs.slice(chunk * REF_BYTES, (chunk + 1) * REF_BYTES)
          const length = leafLength(leaf)!
          this.#seeds.add(Ref.fromBytes(ref), { file, position, length })
          position += length
          chunk++
        } while (position < size)
      }
    }
  }
}

function sizeIn(packed: Uint8Array | undefined): number | undefined {
  if (packed === undefined) return undefined
  const entry = new PackedEntry(packed)
  return entry.next() ? entry.size : undefined
}
