/**
 * Crashes a scenario at every operation, opens what may be left of it, and holds that against what the store had
 * acknowledged by then.
 *
 * A journal says all that happened; a crash at one of its points is the disk as it was then with any part of the
 * pending changes, and the index with any part of what it was told. From each such image the store must open, be
 * whole, show what was acknowledged, take more and open again. Then the recovery itself is crashed, which must
 * change nothing; and in place of the power only the process is lost, so that the next one goes on with a disk on
 * which the same changes are still pending, and loses the power then.
 */

import type { IndexStep } from './crash-index.js'
import { stepsKey } from './crash-index.js'
import { type Choice, Disk } from './disk.js'
import { choices, describeChoice, fewChoices, type ImageCounts } from './images.js'
import { type Contents, Ledger } from './ledger.js'
import type { Random } from './random.js'
import type { Scenario } from './scenarios.js'
import { contentsOf, DEFAULT_PATH, type Entry, readOnlyContents, Scene, type SceneOptions } from './scene.js'

export interface SweepCounts {
  scenarios: number
  /** Operations of the file system in the scenarios. */
  operations: number
  /** Moments at which a crash was looked at: after each change, sync, step of the index or answer. */
  points: number
  /** What a crash may leave: a choice of pending changes and of the index, each held against what was acknowledged. */
  images: number
  /** Of those, the ones that were left of a recovery, and of a process that went on after another was killed. */
  recoveryImages: number
  killImages: number
  /** Images that differ from all others of their scenario: only those are opened. */
  distinct: number
  violations: number
}

export function noCounts(): SweepCounts {
  return {
    scenarios: 0,
    operations: 0,
    points: 0,
    images: 0,
    recoveryImages: 0,
    killImages: 0,
    distinct: 0,
    violations: 0,
  }
}

export interface SweepOptions extends ImageCounts {
  readonly random: Random
  readonly counts: SweepCounts
  /** Told of each violation. */
  readonly onViolation: (message: string) => void
  /** Put between the store and the disk, in the scenario only. */
  readonly wrap?: SceneOptions['wrap']
  /** Choices at each point of a recovery, and at each point after a kill, besides nothing and everything. */
  readonly recoveryChoices: number
  readonly killChoices: number
}

/** A moment of a journal. */
interface Point {
  readonly at: number
  readonly disk: Disk
  readonly steps: readonly IndexStep[]
  readonly ledger: Ledger
}

/** What opening an image gave. */
interface Recovery {
  /** Undefined where it could not be opened. */
  readonly contents: Contents | undefined
  readonly problems: readonly string[]
  /** What opening did. */
  readonly journal: readonly Entry[]
}

/** Runs `scenario` and crashes it everywhere. */
export async function sweep(scenario: Scenario, options: SweepOptions): Promise<void> {
  await new Sweep(scenario, options).run()
}

class Sweep {
  readonly #scenario: Scenario
  readonly #options: SweepOptions
  readonly #recoveries = new Map<string, Recovery>()
  readonly #shallow = new Map<string, Recovery>()

  constructor(scenario: Scenario, options: SweepOptions) {
    this.#scenario = scenario
    this.#options = options
  }

  async run(): Promise<void> {
    const { counts, random, wrap } = this.#options
    const scene = this.#scene({ wrap, maxTurns: 3 })
    counts.scenarios++
    try {
      await this.#scenario.run(scene)
    } catch (error) {
      this.#violated('without a crash', error)
      return
    }
    counts.operations += scene.operationCount
    for (const point of pointsOf(scene.journal, new Ledger())) {
      counts.points++
      for (const choice of choices(point.disk, random, this.#options)) {
        for (const steps of someSteps(point.steps, random)) await this.#crash(point, choice, steps)
      }
      await this.#kill(point)
    }
  }

  /** The power is lost at `point`. */
  async #crash(point: Point, choice: Choice, steps: readonly IndexStep[]): Promise<void> {
    const { counts, recoveryChoices, random } = this.#options
    counts.images++
    const image = point.disk.image(choice)
    const key = keyOf(image, steps)
    const known = this.#recoveries.get(key)
    const recovery = known ?? (await this.#recover(image, steps))
    const where = (): string => describe(point, choice, steps)
    if (recovery.contents !== undefined) {
      for (const problem of point.ledger.problems(recovery.contents)) this.#violated(where(), problem)
    }
    if (known !== undefined) return
    this.#recoveries.set(key, recovery)
    for (const problem of recovery.problems) this.#violated(where(), problem)
    if (recovery.contents === undefined || recovery.problems.length > 0) return
    for (const second of pointsOf(recovery.journal, new Ledger())) {
      for (const secondChoice of fewChoices(second.disk, random, recoveryChoices)) {
        counts.images++
        counts.recoveryImages++
        const secondSteps = random.chance(0.5) ? second.steps : steps
        const again = await this.#open(second.disk.image(secondChoice), secondSteps)
        const problems = [...again.problems, ...differences(recovery.contents, again.contents)]
        for (const problem of problems)
          this.#violated(`${where()}; opened; ${describe(second, secondChoice, secondSteps)}`, problem)
      }
    }
  }

  /** The process is lost at `point`; another goes on, and then the power is lost. */
  async #kill(point: Point): Promise<void> {
    const { counts, killChoices, random } = this.#options
    const scene = this.#scene({ disk: point.disk.fork(), steps: point.steps })
    try {
      await scene.open()
      await scene.set('after-kill')
    } catch (error) {
      this.#violated(`killed at ${point.at}`, error)
      return
    }
    let isOpen = false
    for (const second of pointsOf(scene.journal, new Ledger(point.ledger))) {
      const isLast = second.at === scene.journal.length
      const isOpenNow = hasOpened(scene.journal, second.at)
      // All is lost at its boldest just after something was acknowledged.
      const count = isLast || isOpen !== isOpenNow ? killChoices : random.chance(0.3) ? 0 : -1
      isOpen = isOpenNow
      if (count < 0) continue
      for (const choice of fewChoices(second.disk, random, count)) {
        counts.images++
        counts.killImages++
        const steps = random.pick(someSteps(second.steps, random))
        const { contents, problems } = await this.#open(second.disk.image(choice), steps)
        const lost = contents === undefined ? [] : second.ledger.problems(contents)
        for (const problem of [...problems, ...lost])
          this.#violated(`killed at ${point.at}; ${describe(second, choice, steps)}`, problem)
      }
    }
  }

  /** Opens an image, goes on with it, and loses the power, or closes, and opens it again. */
  async #recover(image: Disk, steps: readonly IndexStep[]): Promise<Recovery> {
    const { counts, random } = this.#options
    counts.distinct++
    const scene = this.#scene({ disk: image.fork(), steps })
    const problems: string[] = []
    let contents: Contents | undefined
    let journal: Entry[] = []
    try {
      await scene.open()
      contents = openedContents(scene.journal)
      journal = [...scene.journal]
      problems.push(...(await findings(scene)))
      if (random.chance(0.2)) problems.push(...(await this.#readOnlyProblems(image, contents)))
      await scene.set('after-crash')
      if (random.chance(0.5)) await scene.close()
      else scene.kill()
      const { disk, steps: told, ledger } = lastPoint(scene.journal)
      const again = this.#scene({ disk: disk.image(new Map()), steps: told })
      await again.open()
      problems.push(...ledger.problems(openedContents(again.journal)), ...(await findings(again)))
    } catch (error) {
      problems.push(inWords(error))
    }
    return { contents, problems, journal }
  }

  /** Reading alone, before anyone recovers, shows the same. */
  async #readOnlyProblems(image: Disk, contents: Contents): Promise<string[]> {
    try {
      const read = await readOnlyContents(image, this.#scenario.path ?? DEFAULT_PATH)
      const problems = differences(contents, read ?? { heads: new Map(), refs: new Set() })
      return problems.map((problem) => `opened for reading only: ${problem}`)
    } catch (error) {
      return [`opened for reading only: ${inWords(error)}`]
    }
  }

  /** Opens an image and reads it. */
  async #open(image: Disk, steps: readonly IndexStep[]): Promise<Recovery> {
    const key = keyOf(image, steps)
    const known = this.#recoveries.get(key) ?? this.#shallow.get(key)
    if (known !== undefined) return known
    this.#options.counts.distinct++
    const scene = this.#scene({ disk: image, steps })
    let recovery: Recovery
    try {
      await scene.open()
      const problems = await findings(scene)
      recovery = { contents: openedContents(scene.journal), problems, journal: [] }
    } catch (error) {
      recovery = { contents: undefined, problems: [inWords(error)], journal: [] }
    }
    this.#shallow.set(key, recovery)
    return recovery
  }

  #scene(options: Partial<SceneOptions>): Scene {
    const { path, segmentBytes, ballastBytes } = this.#scenario
    return new Scene({
      random: this.#options.random,
      path,
      segmentBytes,
      ballastBytes,
      maxTurns: 0,
      ...options,
    })
  }

  #violated(where: string, problem: unknown): void {
    this.#options.counts.violations++
    this.#options.onViolation(`${this.#scenario.title}: ${where}: ${inWords(problem)}`)
  }
}

/** The moments of a journal: before each thing that happens, if anything did or was said since the last. */
export function* pointsOf(journal: readonly Entry[], ledger: Ledger): Generator<Point> {
  let disk = Disk.empty()
  let steps: readonly IndexStep[] = []
  let isNew = false
  for (const [at, entry] of journal.entries()) {
    if (entry.kind === 'note') {
      ledger.take(entry.note)
      isNew = true
      continue
    }
    if (isNew) yield { at, disk, steps, ledger }
    isNew = !(entry.kind === 'disk' && entry.event.kind === 'end')
    if (entry.kind === 'index') steps = [...steps, entry.step]
    else if (entry.kind === 'disk') disk.apply(entry.event)
    else {
      disk = entry.disk.fork()
      steps = entry.steps
    }
  }
  yield { at: journal.length, disk, steps, ledger }
}

/** The moment at a journal's end. */
export function lastPoint(journal: readonly Entry[]): Point {
  const points = [...pointsOf(journal, new Ledger())]
  return points[points.length - 1]!
}

/** All that the index was told, nothing of it, and some of it. */
function someSteps(steps: readonly IndexStep[], random: Random): (readonly IndexStep[])[] {
  if (steps.length === 0) return [steps]
  if (steps.length === 1) return [steps, []]
  return [steps, [], steps.slice(0, 1 + random.below(steps.length - 1))]
}

function keyOf(disk: Disk, steps: readonly IndexStep[]): string {
  return `${disk.key}|${stepsKey(steps)}`
}

function openedContents(journal: readonly Entry[]): Contents {
  const entry = journal.findLast((entry) => entry.kind === 'note' && entry.note.kind === 'opened')
  return (entry as { note: { seen: Contents } }).note.seen
}

function hasOpened(journal: readonly Entry[], end: number): boolean {
  return journal.slice(0, end).some((entry) => entry.kind === 'note' && entry.note.kind === 'opened')
}

async function findings(scene: Scene): Promise<string[]> {
  const messages = await scene.check()
  const { heads, refs } = await contentsOf(scene.store)
  for (const [name, text] of heads) if (!refs.has(text)) messages.push(`head ${name} names a missing chunk`)
  return messages
}

function differences(before: Contents, after: Contents | undefined): string[] {
  if (after === undefined) return []
  const texts = ({ heads, refs }: Contents): string => [...heads, ...[...refs].sort()].join(' ')
  return texts(before) === texts(after) ? [] : ['something else is found']
}

function describe(point: Point, choice: Choice, steps: readonly IndexStep[]): string {
  return `crash at ${point.at}: ${describeChoice(point.disk, choice)}; index told ${steps.length} of ${point.steps.length}`
}

function inWords(problem: unknown): string {
  return problem instanceof Error ? `${problem.message}` : String(problem)
}
