/** Files to be written by one job, in columns: a job is handed a few buffers, not an object for each file. */

/** What {@link FileTable} has of each file besides its name and its time. */
const COLUMNS = 5

/** In place of an owner that is left as it is. */
export const KEEP_OWNER = -1

export type Xattrs = Readonly<Record<string, Uint8Array>>

/** A file that is to be made. */
export interface NewFile {
  /** Descriptor of the directory it goes to. */
  readonly dir: number
  /** Its name there, with a NUL at its end. */
  readonly name: Uint8Array
  readonly size: number
  readonly attributes: FileAttributes
}

/** What is set of a file once its bytes are there. */
export interface FileAttributes {
  /** All permission bits. */
  readonly mode: number
  /** {@link KEEP_OWNER} where it stays as it is. */
  readonly uid: number
  readonly gid: number
  /** Nanoseconds since 1970. */
  readonly mtime: bigint | undefined
  readonly xattrs: Xattrs | undefined
}

/** Files in columns; made by {@link fileTable}, taken apart by {@link fileAt}. */
export interface FileTable {
  readonly numbers: Float64Array
  /** Two for each file: whether it has a time, and the time. */
  readonly mtimes: BigInt64Array
  readonly names: Uint8Array
  readonly nameEnds: Uint32Array
  /** Of those files that have some, by their index. */
  readonly xattrs: ReadonlyMap<number, Xattrs>
}

export function fileTable(files: readonly NewFile[]): FileTable {
  const numbers = new Float64Array(files.length * COLUMNS)
  const mtimes = new BigInt64Array(files.length * 2)
  const names = new Uint8Array(files.reduce((sum, { name }) => sum + name.length, 0))
  const nameEnds = new Uint32Array(files.length)
  const xattrs = new Map<number, Xattrs>()
  let end = 0
  for (const [index, { dir, name, size, attributes }] of files.entries()) {
    numbers.set([dir, size, attributes.mode, attributes.uid, attributes.gid], index * COLUMNS)
    if (attributes.mtime !== undefined) {
      mtimes[2 * index] = 1n
      mtimes[2 * index + 1] = attributes.mtime
    }
    names.set(name, end)
    end += name.length
    nameEnds[index] = end
    if (attributes.xattrs !== undefined) xattrs.set(index, attributes.xattrs)
  }
  return { numbers, mtimes, names, nameEnds, xattrs }
}

export function fileAt(table: FileTable, index: number): NewFile {
  const { numbers, mtimes, names, nameEnds, xattrs } = table
  const at = index * COLUMNS
  return {
    dir: numbers[at]!,
    name: names.subarray(index === 0 ? 0 : nameEnds[index - 1]!, nameEnds[index]),
    size: numbers[at + 1]!,
    attributes: {
      mode: numbers[at + 2]!,
      uid: numbers[at + 3]!,
      gid: numbers[at + 4]!,
      mtime: mtimes[2 * index] === 1n ? mtimes[2 * index + 1] : undefined,
      xattrs: xattrs.get(index),
    },
  }
}
