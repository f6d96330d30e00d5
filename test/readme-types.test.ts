/** The README's programs are ones that TypeScript takes, strictly, with the types that are published. */

import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { expect, test } from 'vitest'

const ROOT = fileURLToPath(new URL('..', import.meta.url))

/** What programs take from before them in the text. */
const BEFORE = `
declare const open: typeof import('nomsy').open
declare const db: import('nomsy').Database
declare const signal: AbortSignal
`

const OPTIONS: ts.CompilerOptions = {
  strict: true,
  noEmit: true,
  target: ts.ScriptTarget.ES2022,
  lib: ['lib.es2022.d.ts', 'lib.esnext.disposable.d.ts'],
  module: ts.ModuleKind.NodeNext,
  moduleResolution: ts.ModuleResolutionKind.NodeNext,
  types: ['node'],
  paths: { nomsy: [`${ROOT}dist/index.d.ts`] },
}

test('the types that are published take what the README shows', () => {
  expect(existsSync(`${ROOT}dist/index.d.ts`), "'npm run build' has been run").toBe(true)
  const readme = readFileSync(`${ROOT}README.md`, 'utf8')
  const programs = [...readme.matchAll(/```ts\n(.*?)```/gs)].map(([, code]) => code!)
  const texts = new Map(
    programs.map((code, index) => [
      `${ROOT}readme-${index}.mts`,
      `${code.includes('using db') ? '' : BEFORE}declare const somewhere: WritableStream<Uint8Array>\n${code}\nexport {}`,
    ]),
  )
  expect(texts.size).toBeGreaterThan(4)
  const host = ts.createCompilerHost(OPTIONS)
  const { getSourceFile, fileExists, readFile } = host
  host.fileExists = (path) => texts.has(path) || fileExists(path)
  host.readFile = (path) => texts.get(path) ?? readFile(path)
  host.getSourceFile = (path, language) => {
    const text = texts.get(path)
    return text === undefined ? getSourceFile(path, language) : ts.createSourceFile(path, text, language)
  }
  const program = ts.createProgram([...texts.keys()], OPTIONS, host)
  const messages = ts.getPreEmitDiagnostics(program).map(({ file, start, messageText }) => {
    const place = file === undefined ? '' : `${file.text.slice(start, start! + 60)}: `
    return place + ts.flattenDiagnosticMessageText(messageText, '\n')
  })
  expect(messages).toEqual([])
})
