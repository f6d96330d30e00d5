/** What a comparison found, as text. */

import { type Summary, show } from '../summary.js'
import type { Comparison, Ratio, Result } from './compare.js'

export function tableOf({ results, failures, ratios }: Comparison): string {
  const figures = [...new Set(ratios.map(({ figure }) => figure))]
  return [
    ...(results.length === 0 ? [] : resultLines(results)),
    ...failures.map(({ name, message }) => `  ${name} failed, and is left out: ${message.trim()}`),
    ...figures.flatMap((figure) => [
      '',
      ...ratioLines(
        figure,
        ratios.filter((ratio) => ratio.figure === figure),
      ),
    ]),
  ].join('\n')
}

/** A line for each contender: medians, and beside them the spread, lowest to highest. */
function resultLines(results: readonly Result[]): string[] {
  const { figures } = results[0]!
  return columns([
    ['', ...figures.map(({ name }) => name)],
    ['', ...figures.map(({ unit }) => unit)],
    ...results.map(({ contender, figures }) => [contender.name, ...figures.map(cell)]),
  ])
}

function cell({ median, low, high }: Summary): string {
  const spread = low === high ? '' : ` (${show(low)}-${show(high)})`
  return show(median) + spread
}

/** A line for each peer, with a column for each nomsy. */
function ratioLines(figure: string, ratios: readonly Ratio[]): string[] {
  const nomsies = [...new Set(ratios.map(({ nomsy }) => nomsy))]
  const peers = [...new Set(ratios.map(({ peer }) => peer))]
  const ratioOf = (nomsy: string, peer: string): Ratio =>
    ratios.find((ratio) => ratio.nomsy === nomsy && ratio.peer === peer)!
  return columns([
    [`${figure}: ratio to`, ...nomsies],
    ...peers.map((peer) => [
      ratioOf(nomsies[0]!, peer).isBestPeer ? `${peer} (best)` : peer,
      ...nomsies.map((nomsy) => ratioOf(nomsy, peer).ratio.toFixed(2)),
    ]),
  ])
}

/** Rows as lines, the first column to the left and the others to the right. */
function columns(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)))
  return rows.map((row) => {
    const cells = row.map((text, column) =>
      column === 0 ? text.padEnd(widths[column]!) : text.padStart(widths[column]!),
    )
    return `  ${cells.join('  ')}`
  })
}
