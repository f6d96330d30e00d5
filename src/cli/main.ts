#!/usr/bin/env node
/** The program `nomsy`. What it takes to start is loaded here, and all else when it is called for. */

import { version } from './version.js'

const words = process.argv.slice(2)
if (words.length === 1 && (words[0] === '--version' || words[0] === '-V')) {
  process.stdout.write(`${version()}\n`)
} else {
  const { runProgram } = await import('./program.js')
  process.exit(await runProgram(words))
}
