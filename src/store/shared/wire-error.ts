/** Errors on their way from an owner to a client: the code, the words, and what the error is about. */

import type { Value } from '../../encoding/value.js'
import {
  DamagedChunkError,
  HeadConflictError,
  MissingChunkError,
  NomsyError,
  type NomsyErrorCode,
  OwnerGoneError,
  ProtocolError,
  StoreError,
} from '../../errors.js'
import { listOf, textOf } from './protocol.js'

/** Codes that an owner may send; whatever else goes wrong in it is a failed store. */
const CODES: readonly NomsyErrorCode[] = [
  'NOMSY_CLOSED',
  'NOMSY_DAMAGED_CHUNK',
  'NOMSY_DAMAGED_STORE',
  'NOMSY_HEAD_CONFLICT',
  'NOMSY_MISSING_CHUNK',
  'NOMSY_READ_ONLY',
  'NOMSY_STORE_FAILED',
]

/** The error as a value, `[code, words, ...what it is about]`. */
export function errorToWire(error: unknown): Value[] {
  const words = error instanceof Error ? error.message : String(error)
  if (error instanceof HeadConflictError) {
    return [error.code, words, error.head, error.expected ?? null, error.actual ?? null]
  }
  if (error instanceof DamagedChunkError) return [error.code, words, error.ref, error.where]
  if (error instanceof MissingChunkError) return [error.code, words, error.ref]
  if (error instanceof NomsyError && CODES.includes(error.code)) return [error.code, words]
  return ['NOMSY_STORE_FAILED', words]
}

/** The error that an owner of the store at `path` sent. */
export function errorFromWire(value: Value | undefined, path: string): NomsyError {
  const [first, second, ...about] = listOf(value)
  const code = CODES.find((each) => each === first)
  const words = textOf(second)
  switch (code) {
    case undefined:
      throw new ProtocolError('an error without a code')
    case 'NOMSY_CLOSED':
      return new OwnerGoneError(path, true)
    case 'NOMSY_HEAD_CONFLICT':
      return new HeadConflictError(textOf(about[0]), textOrNone(about[1]), textOrNone(about[2]))
    case 'NOMSY_DAMAGED_CHUNK':
      return new DamagedChunkError(textOf(about[0]), textOf(about[1]))
    case 'NOMSY_MISSING_CHUNK':
      return new MissingChunkError(textOf(about[0]))
    default:
      return new StoreError(code, words)
  }
}

function textOrNone(value: Value | undefined): string | undefined {
  return value === null ? undefined : textOf(value)
}
