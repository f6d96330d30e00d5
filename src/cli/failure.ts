/**
 * From anything thrown to the one line that a person reads and the exit status that a script reads: 0 done,
 * 1 failed, 2 wrong usage, 128 + n ended by signal n.
 */

import { getSystemErrorMap } from 'node:util'
import { NomsyError } from '../errors.js'
import { printable } from './printable.js'
import { refusalOf } from './values/refusal.js'

/** Something went wrong that the message explains in full: what, where, what to do next. */
export class Failure extends Error {
  readonly exitCode: number = 1
}

/** The command was not called as it can be. */
export class UsageError extends Failure {
  override readonly exitCode = 2
}

/** A signal asked to stop. */
export class Interruption extends Failure {
  override readonly exitCode: number

  constructor(signal: string, signalNumber: number) {
    super(`ended by ${signal}; what was stored before stays whole`)
    this.exitCode = 128 + signalNumber
  }
}

/** Nobody reads standard output any more, as in `nomsy cat NAME | head`: a reason to end, not to complain. */
export class ClosedOutputError extends Error {}

/** What to do about a system error, where there is more to say than its name. */
const ADVICE: Readonly<Record<string, string>> = {
  EACCES: 'change its permissions or use another place',
  EDQUOT: 'make room and run it again',
  EISDIR: 'name its files',
  EMFILE: "raise the limit with 'ulimit -n'",
  ENOENT: 'check the path',
  ENOSPC: 'make room and run it again',
  EPERM: 'change its permissions or use another place',
  EROFS: 'use another place',
}

/** A system error at `place` (a path, as a person wrote it) as a Failure; anything else as it is. */
export function failureAt(place: string, error: unknown): unknown {
  return isSystemError(error) ? new Failure(`${place}: ${systemWords(error)}`, { cause: error }) : error
}

/** The exit status for what was thrown. */
export function exitCodeOf(error: unknown): number {
  return error instanceof Failure ? error.exitCode : 1
}

/** The line for what was thrown, without the program's name. */
export function lineFor(error: unknown): string {
  return printable(wordsFor(error))
}

function wordsFor(error: unknown): string {
  if (error instanceof Failure || error instanceof NomsyError) return error.message
  if (isSystemError(error)) return `${placeOf(error)}${systemWords(error)}`
  const refusal = refusalOf(error)
  if (refusal !== undefined) return refusal
  const words = error instanceof Error ? `${error.name}: ${error.message}` : String(error)
  return `unexpected ${words}; NOMSY_DEBUG=1 shows where, please report it`
}

function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'syscall' in error && 'code' in error
}

function placeOf({ path, syscall }: NodeJS.ErrnoException): string {
  return path === undefined ? `${syscall}: ` : `${path}: `
}

function systemWords({ errno, code = 'unknown error' }: NodeJS.ErrnoException): string {
  const words = (errno !== undefined && getSystemErrorMap().get(errno)?.[1]) || code
  const advice = ADVICE[code]
  return advice === undefined ? words : `${words}; ${advice}`
}
