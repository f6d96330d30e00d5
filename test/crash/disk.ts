/**
 * A disk that says of every file and directory what is durable and what is not yet. A change is seen at once by
 * whoever reads, and is pending until a sync that began after it had ended returns. A crash keeps any of the
 * pending changes, in any order, a write even in part; {@link Disk.image} is the disk after such a crash.
 *
 * What is stricter than most real file systems: syncing a file says nothing of its name, and names of one
 * directory reach the disk in any order.
 */

import { hash } from 'node:crypto'

export const SECTOR_BYTES = 512

export type Inode = number

export type Change =
  | { readonly kind: 'write'; readonly inode: Inode; readonly position: number; readonly bytes: Uint8Array }
  | { readonly kind: 'truncate'; readonly inode: Inode; readonly length: number }
  | {
      readonly kind: 'link'
      readonly inode: Inode
      readonly name: string
      readonly target: Inode
      readonly isDirectory: boolean
    }
  | {
      readonly kind: 'rename'
      readonly inode: Inode
      readonly name: string
      readonly to: string
      readonly target: Inode
    }
  | { readonly kind: 'unlink'; readonly inode: Inode; readonly name: string }

/** What happens to a disk, in order. A change's `inode` is the file's or the directory's that it changes. */
export type DiskEvent =
  | { readonly kind: 'begin'; readonly change: Change }
  | { readonly kind: 'end'; readonly change: Change }
  | { readonly kind: 'sync'; readonly inode: Inode; readonly changes: readonly Change[] }

/** A write of which only some sectors reached the disk. */
export interface Tear {
  readonly sectors: readonly boolean[]
  /** Whether the file has the length of the whole write, with zeros where nothing landed. */
  readonly isGrown: boolean
}

/** What of the pending changes a crash keeps, whole or torn; what is not in it is lost. */
export type Choice = ReadonlyMap<Change, Tear | 'whole'>

type Names = ReadonlyMap<string, Inode>

/** Everything in here is replaced and never written again, so that copies cost little. */
interface Version<T> {
  readonly now: T
  readonly durable: T
}

let inodeCount = 1
export const newInode = (): Inode => inodeCount++

const ROOT: Inode = 0
const EMPTY = new Uint8Array(0)

export class Disk {
  readonly #files: Map<Inode, Version<Uint8Array>>
  readonly #directories: Map<Inode, Version<Names>>
  /** Changes that are not durable, in the order in which they began; and those of them that have ended. */
  #pending: readonly Change[]
  readonly #ended: Set<Change>

  private constructor(
    files: Map<Inode, Version<Uint8Array>>,
    directories: Map<Inode, Version<Names>>,
    pending: readonly Change[],
    ended: Set<Change>,
  ) {
    this.#files = files
    this.#directories = directories
    this.#pending = pending
    this.#ended = ended
  }

  static empty(): Disk {
    const root: Version<Names> = { now: new Map(), durable: new Map() }
    return new Disk(new Map(), new Map([[ROOT, root]]), [], new Set())
  }

  /** The same disk, pending changes included, to go its own way. */
  fork(): Disk {
    return new Disk(new Map(this.#files), new Map(this.#directories), this.#pending, new Set(this.#ended))
  }

  get pending(): readonly Change[] {
    return this.#pending
  }

  /** The pending changes of a file or directory that have ended: what a sync that begins now makes durable. */
  endedChanges(inode: Inode): Change[] {
    return this.#pending.filter((change) => change.inode === inode && this.#ended.has(change))
  }

  apply(event: DiskEvent): void {
    if (event.kind === 'begin') this.#begin(event.change)
    else if (event.kind === 'end') this.#ended.add(event.change)
    else this.#makeDurable(event.inode, event.changes)
  }

  /** Whoever made the changes has ended, and they with it. */
  endChanges(): DiskEvent[] {
    const events = this.#pending.flatMap((change) =>
      this.#ended.has(change) ? [] : [{ kind: 'end' as const, change }],
    )
    for (const event of events) this.apply(event)
    return events
  }

  /** The inode at `path`; undefined where there is nothing. */
  find(path: string): Inode | undefined {
    let inode: Inode | undefined = ROOT
    for (const name of path.split('/')) {
      if (name === '') continue
      inode = inode === undefined ? undefined : this.#directories.get(inode)?.now.get(name)
    }
    return inode
  }

  bytes(inode: Inode): Uint8Array | undefined {
    return this.#files.get(inode)?.now
  }

  names(inode: Inode): Names | undefined {
    return this.#directories.get(inode)?.now
  }

  /** The bytes of the file at `path`. */
  read(path: string): Uint8Array {
    const inode = this.find(path)
    const bytes = inode === undefined ? undefined : this.bytes(inode)
    if (bytes === undefined) throw new RangeError(`there is no file ${path}`)
    return bytes
  }

  /** Damages the file at `path`: these are its bytes now. */
  overwrite(path: string, bytes: Uint8Array): void {
    this.read(path)
    this.#files.set(this.find(path)!, { now: bytes, durable: bytes })
  }

  /** The disk after a crash that keeps `choice` of what is pending: all of it durable. */
  image(choice: Choice): Disk {
    const files = new Map<Inode, Version<Uint8Array>>()
    const directories = new Map<Inode, Version<Names>>()
    for (const [inode, { durable }] of this.#files) files.set(inode, { now: durable, durable })
    for (const [inode, { durable }] of this.#directories) directories.set(inode, { now: durable, durable })
    for (const change of this.#pending) {
      const kept = choice.get(change)
      if (kept === undefined) continue
      if (change.kind === 'write' || change.kind === 'truncate') {
        const now = changedBytes(files.get(change.inode)!.now, change, kept)
        files.set(change.inode, { now, durable: now })
      } else {
        const now = changedNames(directories.get(change.inode)!.now, change)
        directories.set(change.inode, { now, durable: now })
      }
    }
    return new Disk(files, directories, [], new Set())
  }

  /**
   * Equal for disks with the same names and bytes. Left out are the bytes of the file `owner`, which has the time
   * in it and decides nothing.
   */
  get key(): string {
    return this.#keyOf(ROOT)
  }

  #keyOf(inode: Inode): string {
    const names = [...this.#directories.get(inode)!.now].sort(([a], [b]) => (a < b ? -1 : 1))
    const parts = names.map(([name, target]) => {
      const bytes = this.#files.get(target)?.now
      if (bytes === undefined) return `${name}/(${this.#keyOf(target)})`
      return name === 'owner' ? name : `${name} ${digest(bytes)}`
    })
    return parts.join(',')
  }

  #begin(change: Change): void {
    const { inode } = change
    this.#pending = [...this.#pending, change]
    if (change.kind === 'write' || change.kind === 'truncate') {
      const { now, durable } = this.#files.get(inode)!
      this.#files.set(inode, { now: changedBytes(now, change, 'whole'), durable })
      return
    }
    if (change.kind === 'link') {
      if (change.isDirectory) this.#directories.set(change.target, { now: new Map(), durable: new Map() })
      else this.#files.set(change.target, { now: EMPTY, durable: EMPTY })
    }
    const { now, durable } = this.#directories.get(inode)!
    this.#directories.set(inode, { now: changedNames(now, change), durable })
  }

  #makeDurable(inode: Inode, changes: readonly Change[]): void {
    const covered = new Set(changes)
    for (const change of this.#pending) {
      if (!covered.has(change)) continue
      if (change.kind === 'write' || change.kind === 'truncate') {
        const { now, durable } = this.#files.get(inode)!
        this.#files.set(inode, { now, durable: changedBytes(durable, change, 'whole') })
      } else {
        const { now, durable } = this.#directories.get(inode)!
        this.#directories.set(inode, { now, durable: changedNames(durable, change) })
      }
      this.#ended.delete(change)
    }
    this.#pending = this.#pending.filter((change) => !covered.has(change))
  }
}

/** Sectors that a write touches. */
export function sectorCount({ position, bytes }: Change & { kind: 'write' }): number {
  return Math.ceil((position + bytes.length) / SECTOR_BYTES) - Math.floor(position / SECTOR_BYTES)
}

function changedBytes(
  before: Uint8Array,
  change: Change & { kind: 'write' | 'truncate' },
  how: Tear | 'whole',
): Uint8Array {
  if (change.kind === 'truncate') return resized(before, change.length)
  const { position, bytes } = change
  const end = position + bytes.length
  if (how === 'whole') {
    const after = resized(before, Math.max(before.length, end))
    after.set(bytes, position)
    return after
  }
  const landed = how.sectors.flatMap((isThere, index) => {
    const sector = (Math.floor(position / SECTOR_BYTES) + index) * SECTOR_BYTES
    return isThere ? [{ start: Math.max(sector, position), end: Math.min(sector + SECTOR_BYTES, end) }] : []
  })
  const length = how.isGrown ? end : (landed[landed.length - 1]?.end ?? 0)
  const after = resized(before, Math.max(before.length, length))
  for (const part of landed) after.set(bytes.subarray(part.start - position, part.end - position), part.start)
  return after
}

/** A copy of `bytes`, cut off or with zeros at its end. */
function resized(bytes: Uint8Array, length: number): Uint8Array {
  const after = new Uint8Array(length)
  after.set(length < bytes.length ? bytes.subarray(0, length) : bytes)
  return after
}

/** A rename whose file's first name was lost still gives it the second. */
function changedNames(before: Names, change: Change & { kind: 'link' | 'rename' | 'unlink' }): Names {
  const after = new Map(before)
  if (change.kind === 'link') after.set(change.name, change.target)
  else if (change.kind === 'unlink') after.delete(change.name)
  else {
    after.delete(change.name)
    after.set(change.to, change.target)
  }
  return after
}

const digests = new WeakMap<Uint8Array, string>()

function digest(bytes: Uint8Array): string {
  let text = digests.get(bytes)
  if (text === undefined) digests.set(bytes, (text = hash('sha1', bytes, 'base64')))
  return text
}
