/**
 * zstd, for blocks of chunks: a frame says its decoded size, which is checked before anything is allocated.
 *
 * The library's native build keeps one context for the whole process and crashes when two threads use it at once. So
 * each worker loads a copy of that build, which has a context of its own; where it cannot, it uses the library's
 * WebAssembly build, which takes 1.4 times as long. All are loaded when they are first needed.
 */

interface Library {
  compress(bytes: Uint8Array, level: number): Uint8Array
  decompress(bytes: Uint8Array): Uint8Array
}

/** Bytes that a frame may decode to. */
const MAX_DECODED_BYTES = 8 * 1024 * 1024

const FRAME_MAGIC = 0xfd2fb528

let library: Library | undefined

/** One frame that holds `bytes`. */
export async function pack(bytes: Uint8Array, level: number): Promise<Uint8Array> {
  library ??= await load()
  return library.compress(bytes, level)
}

/** What the frame `packed` holds; undefined where it is damaged or too large. */
export async function unpack(packed: Uint8Array): Promise<Uint8Array | undefined> {
  library ??= await load()
  const size = decodedSize(packed)
  if (size === undefined || size > MAX_DECODED_BYTES) return undefined
  try {
    const { buffer, byteOffset, length } = library.decompress(packed)
    return length === size ? new Uint8Array(buffer, byteOffset, length) : undefined
  } catch {
    return undefined
  }
}

async function load(): Promise<Library> {
  const isMainThread = globalThis.process?.getBuiltinModule?.('node:worker_threads').isMainThread ?? true
  if (isMainThread) return import('@cloudpss/zstd')
  try {
    return loadCopy()
  } catch {
    return import('@cloudpss/zstd/wasm')
  }
}

/** What the library's native build exports. */
interface NativeBuild {
  compress(bytes: Buffer, level: number): Buffer
  decompress(bytes: Buffer, maxBytes: number): Buffer
}

/** The native build from a file of this thread's own: what is loaded from another file shares nothing with it. */
function loadCopy(): Library {
  const { getBuiltinModule, platform } = globalThis.process
  // There a file that is loaded cannot be removed.
  if (platform === 'win32') throw new Error('not on Windows')
  const { copyFileSync, mkdtempSync, rmSync } = getBuiltinModule('node:fs')
  const { dirname, join } = getBuiltinModule('node:path')
  const { createRequire } = getBuiltinModule('node:module')
  const packageFile = createRequire(import.meta.url).resolve('@cloudpss/zstd/package.json')
  const findBuild = createRequire(packageFile)('node-gyp-build') as { path(directory: string): string }
  const directory = mkdtempSync(join(getBuiltinModule('node:os').tmpdir(), 'nomsy-'))
  try {
    const copy = join(directory, 'zstd.node')
    copyFileSync(findBuild.path(dirname(packageFile)), copy)
    const module = { exports: {} as NativeBuild }
    globalThis.process.dlopen(module, copy)
    const { compress, decompress } = module.exports
    return {
      compress: (bytes, level) => compress(bufferOver(bytes), level),
      decompress: (bytes) => decompress(bufferOver(bytes), MAX_DECODED_BYTES + 1),
    }
  } finally {
    rmSync(directory, { recursive: true })
  }
}

function bufferOver({ buffer, byteOffset, length }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, length)
}

/** The decoded size that a frame's header states (RFC 8878, 3.1.1.1); undefined where it states none. */
function decodedSize(frame: Uint8Array): number | undefined {
  if (frame.length < 14) return frame.length < 6 ? undefined : decodedSize(padded(frame))
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength)
  if (view.getUint32(0, true) !== FRAME_MAGIC) return undefined
  const descriptor = view.getUint8(4)
  const isSingleSegment = (descriptor & 0x20) !== 0
  const dictionaryBytes = [0, 1, 2, 4][descriptor & 3]!
  const at = 5 + (isSingleSegment ? 0 : 1) + dictionaryBytes
  switch (descriptor >> 6) {
    case 0:
      return isSingleSegment ? view.getUint8(at) : undefined
    case 1:
      return view.getUint16(at, true) + 256
    case 2:
      return view.getUint32(at, true)
    default:
      return undefined
  }
}

/** With room for the longest header. */
function padded(frame: Uint8Array): Uint8Array {
  const whole = new Uint8Array(14)
  whole.set(frame)
  return whole
}
