/** The sources as JavaScript, for child processes that must start fast and be what is tested. */

import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { transformWithOxc } from 'vite'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

const OPTIONS = { target: 'es2022', sourcemap: false }

export interface Build {
  /** Directory of what was made of `src`. */
  readonly path: string
  readonly remove: () => Promise<void>
}

/** Translates all of `src` into a directory of its own. */
export async function build(): Promise<Build> {
  const directory = await mkdtemp(join(tmpdir(), 'nomsy-built-'))
  await symlink(join(ROOT, 'node_modules'), join(directory, 'node_modules'))
  await writeFile(join(directory, 'package.json'), '{"type":"module"}')
  for (const name of await readdir(join(ROOT, 'src'), { recursive: true })) {
    if (!name.endsWith('.ts')) continue
    const source = await readFile(join(ROOT, 'src', name), 'utf8')
    const target = join(directory, 'src', name.replace(/\.ts$/, '.js'))
    await mkdir(dirname(target), { recursive: true })
    await writeFile(target, (await transformWithOxc(source, name, OPTIONS)).code)
  }
  return { path: join(directory, 'src'), remove: () => rm(directory, { recursive: true, force: true }) }
}
