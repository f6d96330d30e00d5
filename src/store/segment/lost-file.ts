/** The chunks that are known to be lost, in `state/lost`. SPEC "Recovery". */

import { Ref } from '../../hash/ref.js'
import type { FileSystem } from './file-system.js'
import { readState, writeState } from './state-files.js'

const FILE = 'lost'

export async function readLost(fs: FileSystem, path: string): Promise<Ref[]> {
  const state = await readState(fs, path, FILE)
  if (!Array.isArray(state)) return []
  return state.flatMap((text) => (typeof text === 'string' ? (Ref.parse(text) ?? []) : []))
}

export async function writeLost(fs: FileSystem, path: string, refs: readonly Ref[]): Promise<void> {
  await writeState(fs, path, FILE, refs.length === 0 ? undefined : refs.map(String).sort())
}
