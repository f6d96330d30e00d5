/** Commands that run while others have the store open notice nothing of it. */

import { existsSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { noise, outcomeOf, Workplace } from './program.js'

test('puts, reads and heads go on beside a put that takes its time, and after it was killed', async () => {
  const place = new Workplace()
  const data = noise('shared', 3_000_000)
  await place.put('first', '--name', 'first')
  for (const ending of ['end', 'kill'] as const) {
    const slow = place.start(['put', '-', '--name', `slow-${ending}`])
    const outcome = outcomeOf(slow)
    slow.stdin.on('error', () => {})
    slow.stdin.write(data)
    while (!existsSync(place.path('store', 'owner'))) await sleep(5)
    const [put, cat, list] = await Promise.all([
      place.nomsy(['put', '-', '--name', ending], { input: data }),
      place.nomsy(['cat', 'first']),
      place.nomsy(['list']),
    ])
    expect([put.err, cat.err, list.err]).toEqual(['', '', ''])
    expect(cat.out).toBe('first')
    expect(list.out).toContain('first')
    // Read from the store that the slow one still has open.
    expect(Buffer.compare((await place.nomsy(['cat', ending])).bytes, data)).toBe(0)
    if (ending === 'end') slow.stdin.end('the rest')
    else slow.kill('SIGKILL')
    expect((await outcome).code).toBe(ending === 'end' ? 0 : null)
  }
  expect((await place.nomsy(['cat', 'slow-end'])).bytes.subarray(-8).toString()).toBe('the rest')
  expect(await place.ok('list')).not.toContain('slow-kill')
  await place.ok('check')
})

test('eight puts of the same data at once store it once', async () => {
  const place = new Workplace()
  const data = noise('same', 2_000_000)
  await place.ok('init', place.store)
  const refs = await Promise.all(Array.from({ length: 8 }, () => place.put(data)))
  expect(new Set(refs).size).toBe(1)
  expect((await place.nomsy(['cat', refs[0]!])).bytes.equals(data)).toBe(true)
  await place.ok('check')
})
