/** What a loss of power may leave of a disk, by its journal. */

import { closeSync, ftruncateSync, openSync, writeSync } from 'node:fs'
import type { Random } from '../crash/random.js'
import type { JournalEntry } from './nbd-server.js'

const SECTOR_BYTES = 512
const PAGE_BYTES = 4096

type Write = Extract<JournalEntry, { kind: 'write' }>

/** What becomes of writes that were not flushed. */
export const FATES = ['all lost', 'all there', 'some first ones', 'any', 'any sectors'] as const
export type Fate = (typeof FATES)[number]

/** Goes along a disk's journal and makes the disk as a cut at a place leaves it. */
export class PowerCuts {
  readonly #journal: readonly JournalEntry[]
  /** What is durable at {@link PowerCuts.#at}. */
  readonly #durable: Buffer
  /** Pages that are not all zeros. */
  readonly #pages = new Set<number>()
  #at = 0
  #pending: Write[] = []

  /** `before` is the disk before the journal's first entry; it is written to. */
  constructor(before: Buffer, journal: readonly JournalEntry[]) {
    this.#durable = before
    this.#journal = journal
    const zeros = Buffer.alloc(PAGE_BYTES)
    for (let page = 0; page * PAGE_BYTES < before.length; page++)
      if (before.compare(zeros, 0, PAGE_BYTES, page * PAGE_BYTES, (page + 1) * PAGE_BYTES) !== 0)
        this.#pages.add(page)
  }

  /** Writes the disk to the file `path` as a cut after `count` entries leaves it; counts may only rise. */
  write(path: string, count: number, fate: Fate, random: Random): void {
    for (; this.#at < count; this.#at++) {
      const entry = this.#journal[this.#at]!
      if (entry.kind === 'write') this.#pending.push(entry)
      else for (const write of this.#pending.splice(0)) this.#keep(write)
    }
    const file = openSync(path, 'w')
    try {
      ftruncateSync(file, this.#durable.length)
      for (const [start, end] of runsOf(this.#pages))
        writeSync(file, this.#durable, start * PAGE_BYTES, (end - start) * PAGE_BYTES, start * PAGE_BYTES)
      for (const { offset, bytes } of survivors(this.#pending, fate, random))
        writeSync(file, bytes, 0, bytes.length, offset)
    } finally {
      closeSync(file)
    }
  }

  #keep({ offset, bytes }: Write): void {
    this.#durable.set(bytes, offset)
    const end = Math.ceil((offset + bytes.length) / PAGE_BYTES)
    for (let page = Math.floor(offset / PAGE_BYTES); page < end; page++) this.#pages.add(page)
  }
}

function survivors(pending: readonly Write[], fate: Fate, random: Random): readonly Write[] {
  switch (fate) {
    case 'all lost':
      return []
    case 'all there':
      return pending
    case 'some first ones':
      return pending.slice(0, random.below(pending.length + 1))
    case 'any':
      return pending.filter(() => random.chance(0.5))
    case 'any sectors':
      return pending.flatMap(({ offset, bytes }) =>
        Array.from({ length: Math.ceil(bytes.length / SECTOR_BYTES) }, (_, sector) => sector)
          .filter(() => random.chance(0.5))
          .map((sector) => ({
            kind: 'write' as const,
            offset: offset + sector * SECTOR_BYTES,
            bytes: bytes.subarray(sector * SECTOR_BYTES, (sector + 1) * SECTOR_BYTES),
          })),
      )
  }
}

/** Runs of numbers without a gap: [first, last + 1]. */
function runsOf(numbers: ReadonlySet<number>): [number, number][] {
  const runs: [number, number][] = []
  for (const number of [...numbers].sort((a, b) => a - b)) {
    const last = runs.at(-1)
    if (last?.[1] === number) last[1]++
    else runs.push([number, number + 1])
  }
  return runs
}
