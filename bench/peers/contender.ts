/**
 * Who takes part: a program that stores files, and the commands that make it do so. A contender gets a directory of
 * its own. What it stores goes to `repository` in there; what it keeps besides, such as caches, goes beside that.
 */

import { access, readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Command, Runner } from './runner.js'

export interface Contender {
  readonly name: string
  readonly isNomsy: boolean
  /** Whether it compresses what it stores. Those that do not do another job on input that shrinks. */
  readonly compresses: boolean
  /** What one has to know to read its figures. */
  readonly notes: string
  /** Its version; rejects, saying what to install, where it is not there. */
  version(runner: Runner): Promise<string>
  /** Makes an empty repository in `directory/repository`, which is there and empty. Not measured. */
  init?(directory: string): Command
  /** Stores `file`, under its base name. */
  put(directory: string, file: string): Command
  /** Gives back what was stored of `file`. */
  read(directory: string, file: string): Command
  /** Stores `change`, of whose original the repository has a copy, other than by `put` of the whole. */
  change?(directory: string, change: Change): Command
  /** Leaves the repository as it is, but for what is put off to its next opening, where something is. Not measured. */
  settle?(directory: string): Command
  /** What it does with directories, if it takes them. */
  readonly tree?: TreeCommands
  /** Path of a module whose `openReader` reads from the repository, for those that are libraries. */
  readonly library?: string
}

/** `tree` is the path that was put; versions count from 1. */
export interface TreeCommands {
  /** Stores the directory as this version. */
  put(directory: string, tree: string, version: number): Command
  /** Brings a version back to `output`, which is there and empty. */
  get?(directory: string, tree: string, version: number, output: string): Command
  /** Prints all names in it. */
  list?(directory: string, tree: string, version: number): Command
  mtree?(directory: string, tree: string, version: number): Command
  /** Prints what identifies a directory on disk. */
  hash?(tree: string): Command
  /** Gives the file at `path` in it. */
  cat?(directory: string, tree: string, version: number, path: string): Command
  /** Prints what differs between the first two versions. */
  diff?(directory: string, tree: string): Command
}

/** A file that differs from another by bytes inserted. */
export interface Change {
  /** The original, and the changed copy of it. */
  readonly original: string
  readonly changed: string
  readonly at: number
  /** A file with what was inserted. */
  readonly insertion: string
}

/** What the module of a library exports. */
export interface Library {
  put?(repository: string, file: string): Promise<void>
  openReader(repository: string, file: string): Promise<LibraryReader>
}

export interface LibraryReader {
  pieces(): AsyncIterable<Uint8Array>
  read(position: number, length: number): Promise<Uint8Array>
  close(): Promise<void>
}

export function repositoryIn(directory: string): string {
  return join(directory, 'repository')
}

/** The name under which a contender stores `file`. */
export function labelOf(file: string): string {
  return basename(file)
}

/** The first line that `program args` prints; rejects with advice where Debian's `package` is not installed. */
export async function firstLine(
  runner: Runner,
  program: string,
  args: readonly string[],
  debianPackage: string,
): Promise<string> {
  try {
    return (await runner.text({ program, args })).split('\n')[0]!.trim()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    throw new Error(`no ${program} here; Debian: apt-get install ${debianPackage}`)
  }
}

/** Where the sources of bench/peers lie, and what npm installs beside them. */
const PACKAGES = new URL('../../../bench/peers/', import.meta.url)

/** Path of a module beside the packages of bench/peers/package.json. */
export function beside(module: string): string {
  return fileURLToPath(new URL(module, PACKAGES))
}

/** Versions of packages of bench/peers/package.json; rejects with advice where they are not installed. */
export async function packageVersions(names: readonly string[]): Promise<string> {
  const versions = names.map(async (name) => {
    const path = beside(`node_modules/${name}/package.json`)
    await access(path).catch(() => {
      throw new Error(`no package ${name} here: npm ci --prefix bench/peers`)
    })
    const { version } = JSON.parse(await readFile(path, 'utf8')) as { version: string }
    return `${name} ${version}`
  })
  return (await Promise.all(versions)).join(', ')
}
