/**
 * Reads a segment store in a process of its own, which LevelDB may take down: `node read-child.mjs BUILT-SOURCES STORE
 * EXPECTED`, the last a file with the store's heads and refs in JSON. Writes how it differs from that, in a word.
 */

import { readFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'

const [sources, path, file] = process.argv.slice(2)
const { SegmentStore } = await import(pathToFileURL(`${sources}/store/segment/segment-store.js`))
const { Ref } = await import(pathToFileURL(`${sources}/hash/ref.js`))
const expected = JSON.parse(readFileSync(file, 'utf8'))

try {
  const store = await SegmentStore.open(path)
  const heads = []
  for await (const { name, ref } of store.heads.list()) heads.push([name, ref.toString()])
  let findingCount = 0
  for await (const _ of store.check()) findingCount++
  let lostCount = 0
  let refusedCount = 0
  for (const text of expected.refs) {
    const ref = Ref.parse(text)
    const bytes = await store.get(ref).catch((error) => {
      if (error.code === undefined || !error.code.startsWith('NOMSY_')) throw error
      refusedCount++
      return 'refused'
    })
    if (bytes === undefined) lostCount++
    else if (bytes !== 'refused' && !Ref.of(bytes).equals(ref)) throw new Error('wrong bytes')
  }
  await store.close()
  const isSame = JSON.stringify(heads) === JSON.stringify(expected.heads) && lostCount + refusedCount === 0
  if (isSame) console.log('equal')
  else
    console.log(findingCount > 0 || (lostCount === 0 && refusedCount > 0) ? 'reported' : 'silently different')
} catch (error) {
  console.log(error.code === 'NOMSY_DAMAGED_STORE' ? 'refused' : `${error.stack}`)
}
