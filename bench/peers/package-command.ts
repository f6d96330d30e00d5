/** `package-command.js put|cat LIBRARY REPOSITORY FILE`: what makes a command of a package. */

import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { pathToFileURL } from 'node:url'
import type { Library } from './contender.js'

const [verb, path, repository, file] = process.argv.slice(2) as [string, string, string, string]
const library = (await import(pathToFileURL(path).href)) as Library

if (verb === 'put') {
  await library.put!(repository, file)
} else {
  const reader = await library.openReader(repository, file)
  await pipeline(Readable.from(reader.pieces()), process.stdout)
  await reader.close()
}
