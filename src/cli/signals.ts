/**
 * Signals that ask the program to stop. The first one aborts what is under way, so that the store is closed and
 * temporary files are removed; from then on they do what they do to any program, so that a second one kills.
 */

import { constants } from 'node:os'
import { Interruption } from './failure.js'

const STOP_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** The AbortSignal that the first stop signal aborts, with an {@link Interruption} as its reason. */
export function listenForStop(): AbortSignal {
  const controller = new AbortController()
  const stop = (signal: NodeJS.Signals): void => {
    for (const each of STOP_SIGNALS) process.off(each, stop)
    controller.abort(new Interruption(signal, constants.signals[signal]))
  }
  for (const each of STOP_SIGNALS) process.on(each, stop)
  return controller.signal
}
