/**
 * Makes a new file share bytes with seeds where the file system can: whole blocks of them. What the blocks hold is not
 * believed: whoever calls this compares it with what is to be there.
 */

import type { Blob } from '../../blob/blob.js'
import type { Ref } from '../../hash/ref.js'
import { MetaNode, type Node } from '../../sequence/node.js'
import type { NodeReader } from '../../sequence/node-reader.js'
import { cloneRange, close, fstat } from './libc.js'
import type { Seeds } from './seeds.js'

/** File systems share blocks of this many bytes, or of fewer. */
export const BLOCK_BYTES = 4096

/** Bytes of a seed, one after the other, that belong one after the other into the new file. */
interface Run {
  readonly file: number
  readonly from: number
  readonly to: number
  length: number
}

/** The system cannot do it, for these files or for any. */
const UNSUPPORTED = ['ENOSYS', 'ENOTTY', 'EOPNOTSUPP', 'EXDEV']

/** Clones into the empty file `fd` what there is of `blob`: the bytes cloned; undefined where the system cannot do it. */
export async function cloneSeeds(seeds: Seeds, blob: Blob, fd: number): Promise<number | undefined> {
  let cloned = 0
  let run: Run | undefined
  const { reader, root } = blob.tree
  let at = 0
  try {
    for await (const { ref, length } of leavesOf(reader, root, blob.ref)) {
      const place = seeds.find(ref)
      if (run !== undefined && place?.file === run.file && place.position === run.from + run.length) {
        run.length += length
      } else {
        if (run !== undefined) cloned += cloneRun(seeds, run, fd, blob.size)
        run = place && { file: place.file, from: place.position, to: at, length }
      }
      at += length
    }
    if (run !== undefined) cloned += cloneRun(seeds, run, fd, blob.size)
    return cloned
  } catch (error) {
    if (isUnsupported(error)) return undefined
    throw error
  }
}

function isUnsupported(error: unknown): boolean {
  return UNSUPPORTED.includes((error as NodeJS.ErrnoException).code ?? '')
}

/** Clones the whole blocks of a run: the bytes of them. */
function cloneRun(seeds: Seeds, { file, from, to, length }: Run, fd: number, size: number): number {
  if ((to - from) % BLOCK_BYTES !== 0) return 0
  const seed = seeds.open(file)
  if (seed === undefined) return 0
  try {
    const stat = fstat(seed)
    // The last block of a file may be shared where it ends both.
    const isEnd = to + length === size && from + length === stat.size
    const start = Math.ceil(to / BLOCK_BYTES) * BLOCK_BYTES
    const end = isEnd ? size : Math.floor((to + length) / BLOCK_BYTES) * BLOCK_BYTES
    // A hole would become one, and a file that has become shorter has less.
    if (end <= start || stat.blocks * 512 < stat.size || from + length > stat.size) return 0
    cloneRange(seed, from + start - to, end - start, fd, start)
    return end - start
  } catch (error) {
    if (isUnsupported(error)) throw error
    return 0
  } finally {
    close(seed)
  }
}

async function* leavesOf(
  reader: NodeReader,
  node: Node,
  ref: Ref,
): AsyncGenerator<{ readonly ref: Ref; readonly length: number }> {
  if (!(node instanceof MetaNode)) {
    yield { ref, length: node.length }
    return
  }
  for (let index = 0; index < node.childCount; index++) {
    const child = node.childRef(index)
    if (node.level === 1) yield { ref: child, length: node.childLength(index) }
    else yield* leavesOf(reader, await reader.child(node, index), child)
  }
}
