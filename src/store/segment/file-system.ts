/**
 * What a segment store asks of a file system, and nothing more: all its durable I/O goes through here, so that
 * tests can crash it, fill it and make it fail at every single operation.
 *
 * Paths are absolute or relative as the store was opened. Errors are Node's, with `code` and `path`.
 */

export interface FileSystem {
  /** Names in a directory, in no order. */
  readDir(path: string): Promise<string[]>
  /** Makes a directory for its owner only; fails with EEXIST where there is something. */
  makeDir(path: string): Promise<void>
  /** Opens an existing file; fails with ENOENT where there is none. */
  open(path: string, mode: 'read' | 'write'): Promise<File>
  /** Makes and opens a file for its owner only; fails with EEXIST where there is something. */
  create(path: string): Promise<File>
  rename(from: string, to: string): Promise<void>
  remove(path: string): Promise<void>
  /** Makes what was created, renamed or removed in a directory durable. */
  syncDir(path: string): Promise<void>
  /** Bytes that may still be written where `path` is. */
  freeBytes(path: string): Promise<number>
}

export interface File {
  /** The descriptor by which other threads can read the file too, where there is one. */
  readonly fd?: number
  /** Reads into `buffer` from `position` on; the number of bytes read, 0 at the end; may be fewer than asked for. */
  read(buffer: Uint8Array, position: number): Promise<number>
  /** As {@link read}, at once, where the platform can: for small reads, which cost less than handing them over. */
  readonly readSync?: (buffer: Uint8Array, position: number) => number
  /** Writes the buffers one after the other from `position` on; the bytes written, may be fewer than given. */
  write(buffers: readonly Uint8Array[], position: number): Promise<number>
  /** Cuts the file off at `bytes`. */
  truncate(bytes: number): Promise<void>
  /** Makes the file's bytes and length durable. */
  sync(): Promise<void>
  size(): Promise<number>
  close(): Promise<void>
}

/** Up to this many bytes are read at once where the platform can. */
const MAX_SYNC_BYTES = 128 * 1024

/** Fills `buffer` from `position` on; the number of bytes read, less than its length only at the file's end. */
export async function readFully(file: File, buffer: Uint8Array, position: number): Promise<number> {
  let done = buffer.length > MAX_SYNC_BYTES ? 0 : (file.readSync?.(buffer, position) ?? 0)
  while (done < buffer.length) {
    const count = await file.read(buffer.subarray(done), position + done)
    if (count === 0) break
    done += count
  }
  return done
}

/** Writes all of `buffers` from `position` on, however short each write falls. */
export async function writeFully(
  file: File,
  buffers: readonly Uint8Array[],
  position: number,
): Promise<void> {
  let rest = buffers
  let at = position
  while (rest.length > 0) {
    const count = await file.write(rest, at)
    if (count === 0) throw new Error(`the file system took no bytes at ${at}`)
    at += count
    rest = after(rest, count)
  }
}

/** What of `buffers` comes after the first `count` bytes. */
function after(buffers: readonly Uint8Array[], count: number): readonly Uint8Array[] {
  let skipped = 0
  for (const [index, buffer] of buffers.entries()) {
    if (skipped + buffer.length > count)
      return [buffer.subarray(count - skipped), ...buffers.slice(index + 1)]
    skipped += buffer.length
  }
  return []
}
