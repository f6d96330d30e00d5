/**
 * Compiles wasm/boundary-scan.ts (AssemblyScript) and leaves it as a module of src/, so that it loads without a file
 * or a fetch wherever the rest does.
 */

import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import asc from 'assemblyscript/asc'

const root = fileURLToPath(new URL('..', import.meta.url))
const output = 'build/boundary-scan.wasm'

await mkdir(`${root}/build`, { recursive: true })
const { error, stderr } = await asc.main(
  [
    'wasm/boundary-scan.ts',
    ...['--outFile', output],
    ...['-O3', '--noAssert', '--runtime', 'stub', '--enable', 'simd', '--enable', 'bulk-memory'],
    ...['--initialMemory', '81', '--use', 'abort='],
  ],
  { readFile: (name, base) => readFile(`${root}/${base}/${name}`, 'utf8').catch(() => null) },
)
if (error) {
  process.stderr.write(stderr.toString())
  throw error
}
const bytes = await readFile(`${root}/${output}`)
await writeFile(
  `${root}/src/hash/boundary-scan-module.ts`,
  `/** Made by scripts/build-wasm.mjs from wasm/boundary-scan.ts. */\nexport const BOUNDARY_SCAN_MODULE =\n  '${bytes.toString('base64')}'\n`,
)
