/**
 * A directory on disk as the one that it would be if it were stored: all of it is read, and nothing stored but the
 * nodes of directories, in a store of their own that goes away with it.
 */

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Database } from '../../database/database.js'
import type { ChunkTarget } from '../../sequence/chunk-sink.js'
import { kindOf } from '../../sequence/kind.js'
import type { Chunk, ChunkStore } from '../../store/chunk-store.js'
import { DIR_FORMAT } from '../../tree/dir-format.js'
import type { Directory } from '../../tree/directory.js'
import type { PutTreeOptions } from '../../tree/local/put-tree.js'
import type { CommandContext } from '../command-context.js'
import { readDirectory } from '../directory-source.js'

export interface ScannedDirectory extends AsyncDisposable {
  readonly directory: Directory
}

/** `store` is left out where it lies in the directory, as it is when that is put. */
export async function scanDirectory(
  context: CommandContext,
  path: string,
  options: PutTreeOptions,
  store: ChunkStore | undefined,
): Promise<ScannedDirectory> {
  const { open } = await import('../../database/open.js')
  const { writeTree } = await import('../../tree/local/put-tree.js')
  const place = await mkdtemp(join(tmpdir(), 'nomsy-diff-'))
  let nodes: Database | undefined
  const dispose = async (): Promise<void> => {
    await nodes?.close()
    await rm(place, { recursive: true, force: true })
  }
  try {
    nodes = await open(join(place, 'store'))
    const target = nodesOnly(nodes.store)
    using progress = context.progress(path)
    const { ref } = await readDirectory(context, path, (onProblem) =>
      writeTree({ target, store }, path, {
        ...options,
        state: false,
        signal: context.signal,
        onProgress: (read) => progress.add(read),
        onProblem,
      }),
    )
    progress.end()
    return { directory: await nodes.tree(ref), [Symbol.asyncDispose]: dispose }
  } catch (error) {
    await dispose()
    throw error
  }
}

/** Of what is put only the nodes of directories. */
function nodesOnly(store: ChunkStore): ChunkTarget {
  return {
    put: async (chunks) => {
      const nodes: Chunk[] = []
      for (const chunk of chunks) {
        if (kindOf(chunk.bytes) === DIR_FORMAT.kind) nodes.push(chunk)
        else chunk.release?.()
      }
      return nodes.length === 0 ? 0 : store.put(nodes)
    },
  }
}
