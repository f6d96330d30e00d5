/**
 * One run of the program, as a command sees it: the options that all commands have, where output goes, the signal
 * that says stop, and the store, opened when it is first asked for and closed when the run ends.
 */

import type { Database } from '../database/database.js'
import type { OpenOptions } from '../database/open.js'
import { isNomsyError, type NomsyError, type NomsyErrorCode } from '../errors.js'
import type { Compression } from '../store/segment/compression.js'
import type { Durability } from '../store/segment/durability.js'
import { Failure, UsageError } from './failure.js'
import type { Output } from './output.js'
import { printable } from './printable.js'
import { Progress } from './progress.js'
import { findStore } from './store-location.js'

/** Options of the program, on either side of the command. */
export interface GlobalOptions {
  readonly store?: string
  readonly json?: boolean
  readonly durability?: Durability
  readonly quiet?: boolean
}

/** Where a store that is opened may be made, and how. */
export interface NewStoreOptions {
  /** The one that the user means where left out. */
  readonly location?: string | undefined
  readonly compression?: Compression | undefined
}

/** Errors of opening after which a store can still be read. */
const READABLE: readonly NomsyErrorCode[] = ['NOMSY_READ_ONLY', 'NOMSY_DAMAGED_STORE', 'NOMSY_LOCKED']

export class CommandContext {
  /** Exit status of a run in which nothing was thrown. */
  exitCode = 0
  readonly signal: AbortSignal
  readonly output: Output
  /** What --store says. */
  readonly storeOption: string | undefined
  readonly json: boolean
  readonly quiet: boolean
  /** What kept the store from being opened as a writer would: it is damaged. */
  damage: string | undefined
  /** Whether the store was made by this run. */
  madeStore = false
  readonly #durability: Durability | undefined
  #database: Database | undefined

  constructor(options: GlobalOptions, output: Output, signal: AbortSignal) {
    this.signal = signal
    this.output = output
    this.storeOption = options.store
    this.#durability = options.durability
    this.json = options.json ?? false
    this.quiet = options.quiet ?? false
  }

  /** The store for a command that only reads: never created, and never written where that is not allowed. */
  async openToRead(): Promise<Database> {
    const { location, isDefault } = this.#findStore()
    try {
      return await this.#open(location, { create: false })
    } catch (error) {
      // What is damaged in one place can be read in others, and a log that grows can be read up to where it is.
      if (isNomsyError(error, 'NOMSY_DAMAGED_STORE')) {
        this.damage = error.message
        this.note(`${error.message}; reading what is left`)
      }
      if (READABLE.some((code) => isNomsyError(error, code))) {
        return this.#open(location, { create: false, readOnly: true })
      }
      throw isNomsyError(error, 'NOMSY_NO_STORE') ? noStore(location, isDefault, error) : error
    }
  }

  /** The store for a command that changes what is there; `makesRoom`: that frees room. */
  async openToWrite({ makesRoom = false } = {}): Promise<Database> {
    const { location, isDefault } = this.#findStore()
    try {
      return await this.#open(location, { create: false, makesRoom })
    } catch (error) {
      throw isNomsyError(error, 'NOMSY_NO_STORE') ? noStore(location, isDefault, error) : error
    }
  }

  /** Another store, to read from; whoever asked closes it. */
  async openOther(location: string): Promise<Database> {
    const { open } = await import('../database/open.js')
    return open(location, { create: false, readOnly: true })
  }

  /** Mends the store's files, so that it can be opened. */
  async mend(onMended: (message: string) => void): Promise<void> {
    const { mend } = await import('../database/open.js')
    await mend(this.#findStore().location, onMended)
  }

  /** The store for a command that adds to it; made, and said to be, where there is none. */
  async openOrCreate(options: NewStoreOptions): Promise<Database> {
    const { location = this.#findStore().location, compression } = options
    if (compression !== undefined) await checkTakesCompression(location)
    try {
      return await this.#open(location, { create: false, compression })
    } catch (error) {
      if (!isNomsyError(error, 'NOMSY_NO_STORE')) throw error
    }
    const database = await this.#open(location, { create: true, compression })
    this.madeStore = true
    this.note(`made a new store at ${location}`)
    return database
  }

  /** Says something to whoever sits there. */
  note(words: string): void {
    if (!this.quiet) process.stderr.write(`${printable(words)}\n`)
  }

  /** Says what is wrong and does not end the run. */
  warn(words: string): void {
    process.stderr.write(`${printable(words)}\n`)
  }

  /** Progress of long work; shows nothing unless somebody looks. */
  progress(label: string, totalBytes?: number): Progress {
    return new Progress(label, totalBytes, !this.quiet && process.stderr.isTTY === true)
  }

  /** Lets go of the store. */
  async close(): Promise<void> {
    await this.#database?.close()
  }

  #findStore(): ReturnType<typeof findStore> {
    return findStore(this.storeOption, process.env, process.cwd())
  }

  async #open(location: string, options: OpenOptions): Promise<Database> {
    const { open } = await import('../database/open.js')
    if (location === 'memory:')
      throw new UsageError('memory: keeps nothing once a command has ended; name a directory')
    this.signal.throwIfAborted()
    try {
      this.#database = await open(location, { ...options, durability: this.#durability })
    } catch (error) {
      // A location that no kind of store has.
      if (error instanceof RangeError && error.message.startsWith(location)) {
        throw new UsageError(error.message, { cause: error })
      }
      throw error
    }
    this.signal.throwIfAborted()
    return this.#database
  }
}

/** Throws for a store that would take no notice of --compression. */
async function checkTakesCompression(location: string): Promise<void> {
  const { takesCompression } = await import('../database/open.js')
  if (takesCompression(location)) return
  throw new UsageError(`${location} is of a kind that packs in its own way; leave out --compression`)
}

function noStore(location: string, isDefault: boolean, cause: NomsyError): Failure {
  const words = isDefault
    ? `no store: no --store, no NOMSY_STORE, no .nomsy from here upward, nothing at ${location}; 'nomsy init' makes one here`
    : `no store at ${location}; 'nomsy init ${location}' makes one`
  return new Failure(words, { cause })
}
