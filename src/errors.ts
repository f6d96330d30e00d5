/**
 * Every error that nomsy throws on purpose. Each carries a stable `code` for programs to branch on, the
 * datum it is about, and a message that says what, where and what to do next.
 *
 * A programming mistake (a bad argument) is a TypeError or RangeError instead; absence is `undefined`.
 */

export type NomsyErrorCode =
  | 'NOMSY_CLOSED'
  | 'NOMSY_DAMAGED_CHUNK'
  | 'NOMSY_DAMAGED_STORE'
  | 'NOMSY_DESTINATION'
  | 'NOMSY_ENCODING'
  | 'NOMSY_FOREIGN_STORE'
  | 'NOMSY_HEAD_CONFLICT'
  | 'NOMSY_INVALID_NODE'
  | 'NOMSY_LOCKED'
  | 'NOMSY_MERGE_CONFLICT'
  | 'NOMSY_MISSING_CHUNK'
  | 'NOMSY_NEWER_STORE'
  | 'NOMSY_NO_ENTRY'
  | 'NOMSY_NO_STORE'
  | 'NOMSY_NOT_A_DIRECTORY'
  | 'NOMSY_NOT_A_FILE'
  | 'NOMSY_READ_ONLY'
  | 'NOMSY_SOURCE_FAILED'
  | 'NOMSY_STORE_FAILED'
  | 'NOMSY_UNKNOWN_OBJECT'
  | 'NOMSY_UNSUPPORTED_PLATFORM'

/** Base class: `error instanceof NomsyError` separates nomsy's errors from everything else. */
export class NomsyError extends Error {
  readonly code: NomsyErrorCode

  constructor(code: NomsyErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = new.target.name
    this.code = code
  }
}

/** Whether `error` is one of nomsy's, with this code. */
export function isNomsyError(error: unknown, code: NomsyErrorCode): error is NomsyError {
  return error instanceof NomsyError && error.code === code
}

/** Bytes that are not the canonical encoding of a value. `offset` is in bytes from the start of the chunk. */
export class EncodingError extends NomsyError {
  readonly offset: number

  constructor(what: string, offset: number) {
    super('NOMSY_ENCODING', `${what} at byte ${offset}`)
    this.offset = offset
  }
}

/** A chunk whose bytes have the right hash and yet are no valid node where they stand. `ref` is its text. */
export class InvalidNodeError extends NomsyError {
  readonly ref: string

  constructor(ref: string, why: string, options?: ErrorOptions) {
    super('NOMSY_INVALID_NODE', `chunk ${ref} is not a valid node here: ${why}`, options)
    this.ref = ref
  }
}

/** Bytes that were to be stored could not be read, or changed on the way; `cause` is what reading them threw. */
export class SourceError extends NomsyError {
  constructor(message: string, options?: ErrorOptions) {
    super('NOMSY_SOURCE_FAILED', message, options)
  }
}

/** Bytes that were to be stored as what is in a tar archive are none, or not all of one. */
export class ArchiveError extends SourceError {}

/** A directory on disk was to be read or written where the system's calls for it cannot be made; `platform` is where. */
export class UnsupportedPlatformError extends NomsyError {
  readonly platform: string

  constructor(platform: string, options?: ErrorOptions) {
    super(
      'NOMSY_UNSUPPORTED_PLATFORM',
      `directories on disk cannot be read or written here (${platform}): that needs Linux, and koffi, which 'npm install' brings; files, and all that is stored, can be used as ever`,
      options,
    )
    this.platform = platform
  }
}

/** A place on disk where a directory cannot be brought back to. `path` is how it was given. */
export class DestinationError extends NomsyError {
  readonly path: string

  constructor(path: string, why: string, options?: ErrorOptions) {
    super('NOMSY_DESTINATION', `${path}: ${why}`, options)
    this.path = path
  }
}

/** A chunk that a tree needs and the store does not hold. `ref` is its text. */
export class MissingChunkError extends NomsyError {
  readonly ref: string

  constructor(ref: string) {
    super(
      'NOMSY_MISSING_CHUNK',
      `chunk ${ref} is not in this store; 'nomsy check' lists what that affects, storing the same data again brings it back`,
    )
    this.ref = ref
  }
}

/** A chunk whose stored bytes no longer have its hash. `ref` is its text; `where` says where the bytes lie. */
export class DamagedChunkError extends NomsyError {
  readonly ref: string
  readonly where: string

  constructor(ref: string, where: string, options?: ErrorOptions) {
    super(
      'NOMSY_DAMAGED_CHUNK',
      `chunk ${ref} is damaged in ${where}; 'nomsy check' lists what that affects, storing the same data again repairs it`,
      options,
    )
    this.ref = ref
    this.where = where
  }
}

/** A head that was not what the caller expected when it was to be moved; nothing was changed. */
export class HeadConflictError extends NomsyError {
  readonly head: string
  readonly expected: string | undefined
  readonly actual: string | undefined
  /**
   * Whether the head may have been moved as asked, and on from there by someone else: the process that was asked ended
   * before it answered. Never so where nothing but one process has the store open.
   */
  readonly isUncertain: boolean

  constructor(head: string, expected: string | undefined, actual: string | undefined, isUncertain = false) {
    const doubt = isUncertain
      ? ', maybe after it was moved as asked, since the process that was asked ended before it answered'
      : ''
    super(
      'NOMSY_HEAD_CONFLICT',
      `head '${head}' is ${actual ?? 'absent'}, not ${expected ?? 'absent'}: someone else moved it${doubt}; read it again and retry`,
    )
    this.head = head
    this.expected = expected
    this.actual = actual
    this.isUncertain = isUncertain
  }
}

/** Anything about a store as a whole: absent, foreign, newer, locked, damaged, failed, closed. */
export class StoreError extends NomsyError {}

/** A store that another process holds. `holder` says who, as far as it is known. */
export class StoreLockedError extends StoreError {
  readonly holder: string

  /** `why`: why that process is of no help. */
  constructor(path: string, holder: string, options: ErrorOptions & { readonly why?: string } = {}) {
    const words = options.why === undefined ? holder : `${holder}, ${options.why}`
    super(
      'NOMSY_LOCKED',
      `${path} is held by ${words}; wait for it to end, end it, or use another store`,
      options,
    )
    this.holder = holder
  }
}

/**
 * The process that has the store open, and was asked, has ended its part in it. `isRefused`: it said before that it
 * would not do what was asked; else nobody knows whether it did.
 */
export class OwnerGoneError extends StoreError {
  readonly isRefused: boolean

  constructor(path: string, isRefused: boolean, options?: ErrorOptions) {
    super('NOMSY_STORE_FAILED', `the process that had ${path} open has gone; try again`, options)
    this.isRefused = isRefused
  }
}

/** Another process said over a store's socket what makes no sense there. */
export class ProtocolError extends StoreError {
  constructor(what: string, options?: ErrorOptions) {
    super(
      'NOMSY_STORE_FAILED',
      `${what} came from another process that uses the store; is it of the same version of nomsy?`,
      options,
    )
  }
}

/** Damage in a place that was known to be safely on disk. `offset` is in bytes from the start of `file`. */
export class DamagedStoreError extends StoreError {
  readonly file: string
  readonly offset: number

  constructor(file: string, offset: number, why: string, options?: ErrorOptions) {
    super(
      'NOMSY_DAMAGED_STORE',
      `${file} is damaged at byte ${offset}: ${why}; nothing was cut off, the store can still be read, 'nomsy check --data' lists what is affected and 'nomsy repair' mends it`,
      options,
    )
    this.file = file
    this.offset = offset
  }
}

/** A name, ref or prefix that names nothing, or more than one thing. */
export class UnknownObjectError extends NomsyError {
  readonly object: string

  constructor(object: string, why: string) {
    super('NOMSY_UNKNOWN_OBJECT', `${object}: ${why}`)
    this.object = object
  }
}

/** A path in a directory at which there is nothing, or not what it takes. `path` is as people read it. */
export class TreePathError extends NomsyError {
  readonly path: string

  constructor(
    code: 'NOMSY_NO_ENTRY' | 'NOMSY_NOT_A_DIRECTORY' | 'NOMSY_NOT_A_FILE',
    path: string,
    why: string,
  ) {
    super(code, `${path}: ${why}`)
    this.path = path
  }
}

/**
 * Changes of two sides that contradict each other. `first` are the keys, the positions or the paths of the first of
 * them; it is empty where the conflict is about a value as a whole.
 */
export class MergeConflictError extends NomsyError {
  readonly count: number
  readonly first: readonly unknown[]

  /** `what` is said in place of the count and the places. */
  constructor(count: number, first: readonly unknown[], what = conflictsText(count, first)) {
    super('NOMSY_MERGE_CONFLICT', `${what}; nothing was merged; 'resolve' says whose changes to take`)
    this.count = count
    this.first = first
  }
}

function conflictsText(count: number, first: readonly unknown[]): string {
  const places = first.map(placeText).join(', ') + (count > first.length ? ', ...' : '')
  return `${count} ${count === 1 ? 'conflict' : 'conflicts'}, at ${places}`
}

function placeText(place: unknown): string {
  if (place instanceof Uint8Array) return JSON.stringify(new TextDecoder().decode(place))
  return typeof place === 'string' ? JSON.stringify(place) : String(place)
}

/** Whether `error` is of a chunk that is there no more, or not as it was written. */
export function isLostChunk(error: unknown): error is MissingChunkError | DamagedChunkError {
  return error instanceof MissingChunkError || error instanceof DamagedChunkError
}
