/** Which store is meant where a command does not say: SPEC "Command line". */

import { statSync } from 'node:fs'
import { homedir, userInfo } from 'node:os'
import { dirname, isAbsolute, join, resolve } from 'node:path'

/** Name of the directory that makes a store of a directory's own. */
export const LOCAL_STORE = '.nomsy'

export interface StoreLocation {
  readonly location: string
  /** Whether it is the user's own store, which nobody named and nothing pointed to. */
  readonly isDefault: boolean
}

/**
 * The store: `option` (of --store), else NOMSY_STORE, else the nearest directory `.nomsy` from `directory`
 * upward, else the user's own.
 */
export function findStore(
  option: string | undefined,
  environment: NodeJS.ProcessEnv,
  directory: string,
): StoreLocation {
  const named = namedStore(option, environment) ?? nearestStore(directory)
  if (named !== undefined) return { location: named, isDefault: false }
  return { location: userStore(environment), isDefault: true }
}

/** The store that --store or NOMSY_STORE names. */
export function namedStore(option: string | undefined, environment: NodeJS.ProcessEnv): string | undefined {
  const { NOMSY_STORE } = environment
  return option ?? (NOMSY_STORE || undefined)
}

function nearestStore(directory: string): string | undefined {
  for (let at = resolve(directory); ; at = dirname(at)) {
    const candidate = join(at, LOCAL_STORE)
    if (statSync(candidate, { throwIfNoEntry: false })?.isDirectory()) return candidate
    if (dirname(at) === at) return undefined
  }
}

/** The XDG Base Directory Specification's place for a user's data; relative values are to be ignored. */
function userStore(environment: NodeJS.ProcessEnv): string {
  const { XDG_DATA_HOME } = environment
  const base =
    XDG_DATA_HOME !== undefined && isAbsolute(XDG_DATA_HOME)
      ? XDG_DATA_HOME
      : // Node takes an empty HOME at its word.
        join(homedir() || userInfo().homedir, '.local', 'share')
  return join(base, 'nomsy')
}
