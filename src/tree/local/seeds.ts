/**
 * Where on this disk bytes lie that are those of chunks, by what was found there when it was looked at (scan-seeds.ts).
 * Who reads them hashes them: files change. Some 60 bytes a chunk, and no more than {@link MAX_CHUNKS}.
 */

import { constants } from 'node:fs'
import { binHeader } from '../../encoding/encode.js'
import { Ref } from '../../hash/ref.js'
import { RefNumbers } from '../../hash/ref-numbers.js'
import { AT_FDCWD, close, fstat, openat, read, S_IFMT, S_IFREG } from './libc.js'

/** Chunks that are remembered: those of some 20 GB. */
const MAX_CHUNKS = 2 ** 21

/** The most that is remembered of paths. */
const MAX_PATH_BYTES = 64 * 1024 * 1024

const OPEN_FILE = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK | constants.O_NOCTTY

/** Bytes of a file. */
export interface SeedPlace {
  readonly file: number
  readonly position: number
  readonly length: number
}

export class Seeds {
  readonly #numbers = new RefNumbers()
  /** By the number of a chunk, which begin at 1. */
  #files = new Uint32Array(1024)
  #positions = new Float64Array(1024)
  #lengths = new Uint32Array(1024)
  #paths = new Uint8Array(4096)
  #pathEnds = new Float64Array(64)
  #fileCount = 0

  /** Whether nothing is known. */
  get isEmpty(): boolean {
    return this.#numbers.size === 0
  }

  /** Whether nothing more is remembered. */
  get isFull(): boolean {
    return this.#numbers.size >= MAX_CHUNKS || this.#pathsEnd >= MAX_PATH_BYTES
  }

  /** Takes the absolute path of a file; the number by which {@link add} knows it. */
  addFile(path: Uint8Array): number {
    const start = this.#pathsEnd
    const end = start + path.length
    if (end > this.#paths.length) this.#paths = grown(this.#paths, Math.max(2 * this.#paths.length, end))
    this.#paths.set(path, start)
    if (this.#fileCount === this.#pathEnds.length) this.#pathEnds = grown(this.#pathEnds, 2 * this.#fileCount)
    this.#pathEnds[this.#fileCount] = end
    return this.#fileCount++
  }

  /** Remembers where the bytes of the chunk `ref` lie, if that is not known. */
  add(ref: Ref, { file, position, length }: SeedPlace): void {
    if (this.#numbers.get(ref) !== 0 || this.isFull) return
    const number = this.#numbers.size + 1
    if (number === this.#files.length) {
      this.#files = grown(this.#files, 2 * number)
      this.#positions = grown(this.#positions, 2 * number)
      this.#lengths = grown(this.#lengths, 2 * number)
    }
    this.#numbers.set(ref, number)
    this.#files[number] = file
    this.#positions[number] = position
    this.#lengths[number] = length
  }

  find(ref: Ref): SeedPlace | undefined {
    const number = this.#numbers.get(ref)
    if (number === 0) return undefined
    return {
      file: this.#files[number]!,
      position: this.#positions[number]!,
      length: this.#lengths[number]!,
    }
  }

  /** The chunks `refs`, verified; undefined for those that are not there, or not any more. */
  chunks(refs: readonly Ref[]): (Uint8Array | undefined)[] {
    const chunks = new Array<Uint8Array | undefined>(refs.length).fill(undefined)
    const slotsOf = new Map<number, number[]>()
    for (const [slot, ref] of refs.entries()) {
      const place = this.find(ref)
      if (place === undefined) continue
      const slots = slotsOf.get(place.file)
      if (slots === undefined) slotsOf.set(place.file, [slot])
      else slots.push(slot)
    }
    for (const [file, slots] of slotsOf) {
      const fd = this.open(file)
      if (fd === undefined) continue
      try {
        for (const slot of slots) chunks[slot] = chunkIn(fd, refs[slot]!, this.find(refs[slot]!)!)
      } finally {
        close(fd)
      }
    }
    return chunks
  }

  /** Opens a file; undefined where it is no file any more. The caller closes it. */
  open(file: number): number | undefined {
    const path = this.#paths.subarray(this.#pathEnds[file - 1] ?? 0, this.#pathEnds[file])
    try {
      const fd = openat(AT_FDCWD, path, OPEN_FILE)
      if ((fstat(fd).mode & S_IFMT) === S_IFREG) return fd
      close(fd)
    } catch {
      // The bytes are to be had elsewhere.
    }
    return undefined
  }

  get #pathsEnd(): number {
    return this.#pathEnds[this.#fileCount - 1] ?? 0
  }
}

/** The chunk of the bytes at a place of an open file, if it is `ref`. */
function chunkIn(fd: number, ref: Ref, { position, length }: SeedPlace): Uint8Array | undefined {
  const header = binHeader(length)
  const chunk = new Uint8Array(header.length + length)
  chunk.set(header)
  try {
    if (read(fd, chunk.subarray(header.length), position) < length) return undefined
  } catch {
    return undefined
  }
  return Ref.of(chunk).equals(ref) ? chunk : undefined
}

function grown<Column extends Uint8Array | Uint32Array | Float64Array>(
  column: Column,
  length: number,
): Column {
  const larger = new (column.constructor as new (length: number) => Column)(length)
  larger.set(column)
  return larger
}
