/**
 * Opens, reads and repairs damaged stores in a process of its own, which LevelDB may take down:
 * `node damaged-child.mjs BUILT-SOURCES EXPECTED STORE...`. Writes a line for each store: how it was before the repair, and
 * after it. EXPECTED is a file with heads and refs in JSON.
 */

import { readFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'

const [sources, expectedFile, ...paths] = process.argv.slice(2)
const { open, repair } = await import(pathToFileURL(`${sources}/database/open.js`))
const { Ref } = await import(pathToFileURL(`${sources}/hash/ref.js`))
const expected = JSON.parse(readFileSync(expectedFile, 'utf8'))

for (const path of paths) {
  // An index that turns out to be damaged while it is read is made anew by whoever opens it next.
  let before = await stateOf(path, true)
  if (before === 'NOMSY_DAMAGED_STORE' && (await stateOf(path, true)) === 'equal') before = 'told'
  const repaired = await repair(path).then(() => 'repaired', wordOf)
  const after = repaired === 'repaired' ? await stateOf(path, false) : repaired
  console.log(`${path}\t${before}\t${after}`)
}

/** `equal`, `told` where a check tells of what is missing, an error's code; anything else is a bug. */
async function stateOf(path, mayReadOnly) {
  let db
  let isTold = false
  try {
    db = await open(path, { create: false })
  } catch (error) {
    if (!mayReadOnly) return wordOf(error)
    isTold = error.code === 'NOMSY_DAMAGED_STORE'
    try {
      db = await open(path, { create: false, readOnly: true })
    } catch (error) {
      return wordOf(error)
    }
  }
  try {
    const problems = []
    for await (const { message } of db.check({ data: true })) problems.push(message)
    const heads = []
    for await (const { name, ref } of db.heads.list()) heads.push([name, ref.toString()])
    let lacking = 0
    for (const text of expected.refs) {
      const ref = Ref.parse(text)
      const bytes = await db.store.get(ref).catch((error) => {
        if (error.code !== 'NOMSY_DAMAGED_CHUNK') throw error
      })
      if (bytes === undefined) lacking++
      else if (!Ref.of(bytes).equals(ref)) return 'WRONG BYTES'
    }
    const isEqual = lacking === 0 && JSON.stringify(heads) === JSON.stringify(expected.heads)
    if (isEqual) return 'equal'
    return problems.length > 0 || isTold ? 'told' : `silent: ${heads.length} heads, ${lacking} chunks lacking`
  } catch (error) {
    return wordOf(error)
  } finally {
    await db.close().catch(() => {})
  }
}

function wordOf(error) {
  return /^NOMSY_[A-Z_]+$/.test(error.code)
    ? error.code
    : `UNTYPED ${String(error.stack).replaceAll('\n', ' ')}`
}
