/**
 * The search for boundaries in bulk, compiled to WebAssembly: all offsets at which a window of bytes ends in a
 * boundary's bits, whatever chunk they fall into. `BoundaryFinder` of sequence/boundary.ts is the same in plain
 * TypeScript, one chunk at a time. The loop itself, and its memory, is in wasm/boundary-scan.ts.
 */

import { BOUNDARY_SCAN_MODULE } from './boundary-scan-module.js'
import { BUZHASH_TABLE } from './buzhash.js'

/** Most bytes that one scan takes. */
export const MAX_SCAN_BYTES = 1024 * 1024

/** The window that the module is made for, in bytes. */
export const SCAN_WINDOW_BYTES = 64

const ROWS_OFFSET = 1024
const INPUT_OFFSET = 16_384
const FOUND_OFFSET = INPUT_OFFSET + MAX_SCAN_BYTES
const REGION_BYTES = 1024 * 1024

interface Module {
  readonly memory: WebAssembly.Memory
  scanWhole(mask: number): void
  scanPart(length: number, mask: number): number
}

let instance: Module | undefined

/**
 * The offsets in `bytes` after which the low `ones` bits of the hash are all ones, rising. Windows lie wholly in
 * `bytes`, so that none of the first 63 offsets is among them.
 */
export function scanBoundaries(bytes: Uint8Array, ones: number): Uint32Array {
  const { memory, scanWhole, scanPart } = (instance ??= instantiate())
  const mask = (2 ** ones - 1) | 0
  new Uint8Array(memory.buffer).set(bytes, INPUT_OFFSET)
  if (bytes.length < MAX_SCAN_BYTES) return inside(found(memory, 0, scanPart(bytes.length, mask)).slice())
  scanWhole(mask)
  const counts = new Uint32Array(memory.buffer, ROWS_OFFSET, 4)
  const quarters = [...counts].map((count, quarter) => found(memory, quarter, count))
  const offsets = new Uint32Array(counts.reduce((sum, count) => sum + count, 0))
  let at = 0
  for (const quarter of quarters) {
    offsets.set(quarter, at)
    at += quarter.length
  }
  return inside(offsets)
}

/** Without those whose window begins before the input. */
function inside(offsets: Uint32Array): Uint32Array {
  const first = offsets.findIndex((offset) => offset >= SCAN_WINDOW_BYTES)
  return first === 0 ? offsets : offsets.subarray(first < 0 ? offsets.length : first)
}

function found(memory: WebAssembly.Memory, quarter: number, count: number): Uint32Array {
  return new Uint32Array(memory.buffer, FOUND_OFFSET + quarter * REGION_BYTES, count)
}

function instantiate(): Module {
  const code = Uint8Array.from(atob(BOUNDARY_SCAN_MODULE), (character) => character.charCodeAt(0))
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(code))
  const module = exports as unknown as Module
  new Uint32Array(module.memory.buffer, 0, BUZHASH_TABLE.length).set(BUZHASH_TABLE)
  return module
}
