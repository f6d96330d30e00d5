import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { COMMANDS, calledCommand, commandsOf, GROUPS } from '../../src/cli/commands.js'
import { Workplace } from './program.js'

const at = new Workplace()

test('--version is the version of the package', async () => {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
  for (const args of [['--version'], ['-V'], ['--quiet', '--version']])
    expect(await at.ok(...args)).toBe(`${version}\n`)
})

test('--help lists every command and group', async () => {
  const help = await at.ok('--help')
  for (const name of Object.keys({ ...COMMANDS, ...GROUPS }))
    expect(help).toMatch(new RegExp(`^  ${name.split(' ')[0]} `, 'm'))
  expect(await at.ok('help')).toBe(help)
})

test.concurrent.each(Object.keys(GROUPS))('%s --help lists its commands', async (group) => {
  const help = await at.ok(group, '--help')
  for (const name of commandsOf(group))
    expect(help).toMatch(new RegExp(`^  ${name.slice(group.length + 1)} `, 'm'))
  expect(help).toContain('Example:\n  $ nomsy')
  expect(await at.ok('help', group)).toBe(help)
})

test.concurrent.each(Object.keys(COMMANDS))('%s --help ends in an example of it', async (name) => {
  const help = await at.ok(...name.split(' '), '--help')
  expect(help).toContain('--store <location>')
  const example = help.slice(help.indexOf('Example:\n')).trimEnd().split('\n').slice(1)
  expect(example.length).toBeGreaterThan(0)
  for (const line of example) expect(line).toMatch(new RegExp(`^  \\$ .*nomsy ${name}`))
})

test.each([
  [['put', 'cat'], 'put'],
  [['--store', 'put', 'cat', 'x'], 'cat'],
  [['--store=x', '--json', 'cat'], 'cat'],
  [['map', '--json', 'set', 'get'], 'map set'],
  [['--store', 'list', 'map', 'set'], 'map set'],
  [['map', 'frobnicate'], 'map'],
  [['map'], 'map'],
  [['heads', 'photos/'], 'heads'],
  [['list', 'push', 'x'], 'list push'],
  [['map get'], undefined],
  [['help', 'cat'], undefined],
  [['toString'], undefined],
  [['map', 'toString'], 'map'],
  [['--help'], undefined],
  [[], undefined],
])('the words %j call %s', (words, command) => {
  expect(calledCommand(words)).toBe(command)
})
