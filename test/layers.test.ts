/**
 * The layers of HACKING.md: a file imports its own folder and what stands to the right of it. Type imports obey
 * the same rule, nothing inside imports the index, and the core imports nothing that only Node has.
 */

import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const LAYERS = [
  'cli',
  'database',
  'tree',
  'collection',
  'blob',
  'sequence',
  'store',
  'parallel',
  'encoding',
  'hash',
  'errors',
]

/** Runs in a browser too. */
const PORTABLE = [
  /^hash\//,
  /^encoding\//,
  /^sequence\//,
  /^blob\//,
  /^collection\//,
  /^tree\/[^/]+$/,
  /^store\/[^/]+$/,
  /^errors\.ts$/,
]

const source = fileURLToPath(new URL('../src', import.meta.url))

interface Import {
  readonly file: string
  readonly target: string
  /** Whether nothing of it is left when the program runs. */
  readonly isType: boolean
}

const imports: Import[] = readdirSync(source, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .flatMap((name) => importsOf(name.split(sep).join('/')))

test('the source has files and imports to look at', () => {
  expect(imports.length).toBeGreaterThan(100)
})

test('no import climbs', () => {
  const climbing = imports.filter(({ file, target }) => {
    if (!target.startsWith('.') || file === 'index.ts') return false
    const from = layerOf(file)
    const to = layerOf(resolved(file, target))
    return from < 0 || to < 0 || to < from
  })
  expect(climbing).toEqual([])
})

test('sequence, blob, collection and tree know the interface of stores and no store', () => {
  const stores = imports.filter(({ file, target }) => {
    const to = target.startsWith('.') ? resolved(file, target) : ''
    return (
      /^(sequence|blob|collection|tree)\//.test(file) &&
      to.startsWith('store/') &&
      to !== 'store/chunk-store.ts'
    )
  })
  expect(stores).toEqual([])
})

test('the core imports nothing that only Node has', () => {
  const bound = imports.filter(
    ({ file, target, isType }) =>
      !isType && PORTABLE.some((pattern) => pattern.test(file)) && target.startsWith('node:'),
  )
  expect(bound).toEqual([])
})

function importsOf(file: string): Import[] {
  const text = readFileSync(join(source, file), 'utf8')
  const statements = text.matchAll(/(?:^(?:import|export)( type)?[^'()]*?|(typeof )?import\()'([^']+)'/gm)
  return [...statements].map(([, type, typeOf, target]) => ({
    file,
    target: target!,
    isType: type !== undefined || typeOf !== undefined,
  }))
}

function resolved(file: string, target: string): string {
  return relative('.', join(dirname(file), target))
    .split(sep)
    .join('/')
    .replace(/\.js$/, '.ts')
}

function layerOf(file: string): number {
  return LAYERS.indexOf(file.replace(/\.ts$/, '').split('/')[0]!)
}
