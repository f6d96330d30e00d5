import { existsSync, mkdirSync } from 'node:fs'
import { beforeAll, expect, test } from 'vitest'
import { Workplace } from './program.js'

const at = new Workplace()
const env = { NOMSY_STORE: '' }

beforeAll(async () => {
  mkdirSync(at.path('project', 'deep', 'er'), { recursive: true })
  mkdirSync(at.path('elsewhere'))
  await at.nomsy(['init'], { env, cwd: at.path('project') })
  const stores: [string, NodeJS.ProcessEnv, string][] = [
    ['option', env, at.path('project')],
    ['environment', { NOMSY_STORE: at.path('named') }, at.path('project')],
    ['nearest', env, at.path('project', 'deep', 'er')],
    ['home', env, at.path('elsewhere')],
    ['xdg', { ...env, XDG_DATA_HOME: at.path('xdg') }, at.path('elsewhere')],
  ]
  for (const [name, environment, cwd] of stores) {
    const option = name === 'option' ? ['--store', at.path('chosen')] : []
    const { code, err } = await at.nomsy(['put', '-', '--name', name, ...option], {
      env: environment,
      cwd,
      input: name,
    })
    expect([code, err]).toEqual([
      0,
      name === 'nearest' ? '' : expect.stringMatching(/^made a new store at .*\n$/),
    ])
  }
})

test.each([
  ['option', ['chosen']],
  ['environment', ['named']],
  ['nearest', ['project', '.nomsy']],
  ['home', ['home', '.local', 'share', 'nomsy']],
  ['xdg', ['xdg', 'nomsy']],
])('the store by %s', async (name, path) => {
  expect(await at.ok('heads', '--store', at.path(...path))).toContain(`  ${name}\n`)
})

test('a relative XDG_DATA_HOME is ignored, as its specification says', async () => {
  const options = { env: { ...env, XDG_DATA_HOME: 'xdg' }, cwd: at.path('elsewhere') }
  expect((await at.nomsy(['cat', 'home'], options)).out).toBe('home')
})

test('an empty HOME is none', async () => {
  await at.ok(
    'put',
    at.path('project', '.nomsy', 'FORMAT'),
    '--name',
    'here',
    '--store',
    'elsewhere/.local/share/nomsy',
  )
  const { out } = await at.nomsy(['heads'], { env: { ...env, HOME: '' }, cwd: at.path('elsewhere') })
  expect(out).not.toContain('  here\n')
})

test.concurrent.each([
  ['cat', 'x'],
  ['get', 'x', 'y'],
  ['stat', 'x'],
  ['show', 'x'],
  ['diff', 'x', 'y'],
  ['heads'],
  ['check'],
  ['rm', 'x'],
  ['splice', 'x', '--at', '0'],
])('%s makes no store', async (...args: string[]) => {
  const home = at.path(`home-${args[0]}`)
  const nowhere = await at.nomsy(args, { env: { ...env, HOME: home }, cwd: at.path('elsewhere') })
  expect(nowhere).toMatchObject({ code: 1, out: '' })
  expect(nowhere.err).toBe(
    `nomsy: no store: no --store, no NOMSY_STORE, no .nomsy from here upward, nothing at ${home}/.local/share/nomsy; 'nomsy init' makes one here\n`,
  )
  const named = await at.nomsy([...args, '--store', at.path('absent')])
  expect(named).toMatchObject({ code: 1, out: '' })
  expect(named.err).toBe(
    `nomsy: no store at ${at.path('absent')}; 'nomsy init ${at.path('absent')}' makes one\n`,
  )
  expect([existsSync(home), existsSync(at.path('absent'))]).toEqual([false, false])
})

test('level:PATH names a store in one LevelDB', async () => {
  const level = new Workplace('level:')
  const ref = await level.put('in a level', '--name', 'x')
  expect(await level.ok('cat', 'x', ref)).toBe('in a levelin a level')
  expect(await level.ok('splice', 'x', '--at', '2', '--remove', '8')).toBe(`${await level.put('in')}\n`)
  expect((await level.ok('heads')).trimEnd().split('\n')).toHaveLength(2)
  expect((await level.nomsy(['check', '--data'])).code).toBe(0)
})
