/**
 * Runs jobs on worker threads, as many as the machine has processors; where there are no worker threads, or so little
 * work that starting them costs more, in place. Workers do not keep a program running that has nothing else to do.
 */

import type { Worker } from 'node:worker_threads'
import { JOBS, type JobName } from './jobs.js'

/** Bytes that a program works through in place before it starts workers, which takes tens of milliseconds. */
const BYTES_BEFORE_WORKERS = 8 * 1024 * 1024

/** More than this find nothing to do: so much is under way at a time and no more. */
const MAX_WORKERS = 8

/** A job leaves little behind but its result, so that a worker needs little room for what is new. */
const WORKER_OPTIONS = { execArgv: [], resourceLimits: { maxYoungGenerationSizeMb: 4 } }

type Arguments<Name extends JobName> = Parameters<(typeof JOBS)[Name]>
type Result<Name extends JobName> = Awaited<ReturnType<(typeof JOBS)[Name]>>

/** A job that is not among {@link JOBS}: a function that the module at the URL `module` exports as `name`. */
export interface ModuleJob<Args extends unknown[], Result> {
  readonly module: string
  readonly name: string
  readonly run: (...args: Args) => Result | Promise<Result>
}

/** What goes to a worker, and what comes back. */
export interface JobMessage {
  readonly id: number
  /** Where the function is that does it; left out, among {@link JOBS}. */
  readonly module: string | undefined
  readonly name: string
  readonly args: readonly unknown[]
}

export interface ReplyMessage {
  readonly id: number
  readonly result?: unknown
  readonly error?: JobError
}

/** What is left of an error on its way from a worker: its words, and what the system's errors carry. */
interface JobError {
  readonly message: string
  readonly errno?: unknown
  readonly code?: unknown
  readonly syscall?: unknown
}

interface Waiting {
  readonly resolve: (result: unknown) => void
  readonly reject: (error: unknown) => void
}

interface Thread {
  readonly worker: Worker
  readonly waiting: Map<number, Waiting>
}

let threads: Thread[] | undefined
let bytesInPlace = 0
let lastId = 0

/** Memory that jobs share with their callers, where there is such; else memory like any other. */
export function sharedMemory(byteCount: number): Uint8Array {
  return new Uint8Array(new (globalThis.SharedArrayBuffer ?? ArrayBuffer)(byteCount))
}

/** Whether `bytes` lie in memory that jobs share with their callers. */
export function isShared({ buffer }: Uint8Array): boolean {
  return !(buffer instanceof ArrayBuffer)
}

/**
 * Runs the job `name`, which goes through `byteCount` bytes. Buffers of `args` that are not shared are given away with
 * all that lies in them.
 */
export function runJob<Name extends JobName>(
  name: Name,
  byteCount: number,
  ...args: Arguments<Name>
): Result<Name> | Promise<Result<Name>> {
  const run = JOBS[name] as unknown as (...args: Arguments<Name>) => Result<Name> | Promise<Result<Name>>
  return runModuleJob({ module: undefined, name, run }, byteCount, ...args)
}

/** As {@link runJob}, for the jobs of other modules. */
export function runModuleJob<Args extends unknown[], Result>(
  { module, name, run }: Omit<ModuleJob<Args, Result>, 'module'> & { readonly module: string | undefined },
  byteCount: number,
  ...args: Args
): Result | Promise<Result> {
  if (bytesInPlace < BYTES_BEFORE_WORKERS) {
    bytesInPlace += byteCount
    return run(...args)
  }
  threads ??= startThreads()
  const thread = threads.reduce(
    (least, each) => (each.waiting.size < least.waiting.size ? each : least),
    threads[0]!,
  )
  if (thread === undefined) return run(...args)
  const id = ++lastId
  thread.worker.postMessage({ id, module, name, args } satisfies JobMessage, buffersIn(args))
  if (thread.waiting.size === 0) thread.worker.ref()
  const result = new Promise<Result>((resolve, reject) => {
    thread.waiting.set(id, { resolve: resolve as (result: unknown) => void, reject })
  })
  // Its failure is met by whoever waits for it, maybe only after waiting for others.
  result.catch(() => {})
  return result
}

/** The workers; none where the platform has none. */
function startThreads(): Thread[] {
  const module = globalThis.process?.getBuiltinModule?.('node:worker_threads')
  const program = new URL('./worker.js', import.meta.url)
  if (module === undefined || !existsSync(program)) return []
  const processors = globalThis.process.getBuiltinModule('node:os').availableParallelism()
  const count = Math.min(processors, MAX_WORKERS)
  return Array.from({ length: count }, () => startThread(new module.Worker(program, WORKER_OPTIONS)))
}

/** False where the sources run as they are, without having been built. */
function existsSync(program: URL): boolean {
  return globalThis.process.getBuiltinModule('node:fs').existsSync(program)
}

function startThread(worker: Worker): Thread {
  const waiting = new Map<number, Waiting>()
  worker.on('message', ({ id, result, error }: ReplyMessage) => {
    const caller = waiting.get(id)
    waiting.delete(id)
    if (waiting.size === 0) worker.unref()
    if (error === undefined) caller?.resolve(result)
    else caller?.reject(Object.assign(new Error(error.message), error))
  })
  const fail = (error: Error): void => {
    threads = threads?.filter((thread) => thread.worker !== worker)
    for (const caller of waiting.values()) caller.reject(error)
    waiting.clear()
  }
  worker.on('error', fail)
  worker.on('exit', (code) => fail(new Error(`a worker thread ended with ${code}`)))
  worker.unref()
  return { worker, waiting }
}

/** The buffers of all byte arrays in `value` that are not shared, each once: what is handed over whole. */
export function buffersIn(value: unknown): ArrayBuffer[] {
  const buffers = new Set<ArrayBuffer>()
  const collect = (part: unknown): void => {
    if (ArrayBuffer.isView(part)) {
      if (part.buffer instanceof ArrayBuffer) buffers.add(part.buffer)
    } else if (part instanceof Map) part.forEach(collect)
    else if (typeof part === 'object' && part !== null) Object.values(part).forEach(collect)
  }
  collect(value)
  return [...buffers]
}
