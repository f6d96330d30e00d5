/** `--compression`, for the commands that can make a store. */

import { COMPRESSION_FORMS, type Compression, canonicalCompression } from '../store/segment/compression.js'
import type { CommandOption } from './command.js'
import { UsageError } from './failure.js'

/** The option; `description` says what it is for in the command. */
export function compressionOption(description: string): CommandOption {
  return { flags: '--compression <how>', description, parse: parseCompression }
}

function parseCompression(text: string): Compression {
  const compression = canonicalCompression(text)
  if (compression === undefined) {
    throw new UsageError(`--compression ${text}: not a way to compress; write ${COMPRESSION_FORMS}`)
  }
  return compression
}
