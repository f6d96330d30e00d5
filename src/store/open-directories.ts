/**
 * The LevelDB directories that are open in this process. LevelDB refuses to open one of them a second time, but by
 * trying to it gives up its lock against other processes; so nobody may let it try.
 */

const directories = new Set<string>()

/** Claims a directory by its real path: gives what lets go of it, undefined where it is open already. */
export function claimOpen(directory: string): (() => void) | undefined {
  if (directories.has(directory)) return undefined
  directories.add(directory)
  return () => {
    directories.delete(directory)
  }
}
