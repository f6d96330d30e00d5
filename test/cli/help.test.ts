import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { COMMANDS, calledCommand } from '../../src/cli/commands.js'
import { Workplace } from './program.js'

const at = new Workplace()

test('--version is the version of the package', async () => {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
  for (const args of [['--version'], ['-V'], ['--quiet', '--version']])
    expect(await at.ok(...args)).toBe(`${version}\n`)
})

test('--help lists every command', async () => {
  const help = await at.ok('--help')
  for (const name of Object.keys(COMMANDS)) expect(help).toMatch(new RegExp(`^  ${name} `, 'm'))
  expect(await at.ok('help')).toBe(help)
})

test.concurrent.each(Object.keys(COMMANDS))('%s --help ends in an example of it', async (name) => {
  const help = await at.ok(name, '--help')
  expect(help).toContain('--store <location>')
  const example = help.slice(help.indexOf('Example:\n')).trimEnd().split('\n').slice(1)
  expect(example.length).toBeGreaterThan(0)
  for (const line of example) expect(line).toMatch(new RegExp(`^  \\$ .*nomsy ${name}`))
})

test.each([
  [['put', 'cat'], 'put'],
  [['--store', 'put', 'cat', 'x'], 'cat'],
  [['--store=x', '--json', 'cat'], 'cat'],
  [['help', 'cat'], undefined],
  [['toString'], undefined],
  [['--help'], undefined],
  [[], undefined],
])('the words %j call %s', (words, command) => {
  expect(calledCommand(words)).toBe(command)
})
