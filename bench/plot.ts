/**
 * Draws figures against a size as SVG: panels side by side, all over the same sizes. Sizes stand at equal steps for
 * equal ratios, values start at zero: what does not grow with the size is a level line.
 */

/** A figure at one size: its median, lowest and highest. */
export interface Point {
  readonly x: number
  readonly median: number
  readonly low: number
  readonly high: number
}

export interface Line {
  /** What it is, where a panel has several. */
  readonly label: string
  readonly points: readonly Point[]
}

export interface Panel {
  /** What is drawn, with its unit. */
  readonly title: string
  readonly lines: readonly Line[]
}

/** Pixels. */
const PANEL_WIDTH = 270
const HEIGHT = 230
const PLOT = { left: 54, right: 36, top: 44, bottom: 46 }
const TICKS = 4

/** Legible on white and on black; those who like it dark get lighter ones. */
const STYLE = `
  text { font: 12px system-ui, sans-serif; fill: #6e7781 }
  .title { font-weight: 600 }
  .grid { stroke: #8b949e; stroke-opacity: 0.35 }
  .line0 { stroke: #0969da } .text0 { fill: #0969da } .dot0 { fill: #0969da }
  .line1 { stroke: #bc4c00 } .text1 { fill: #bc4c00 } .dot1 { fill: #bc4c00 }
  .line0, .line1 { stroke-width: 2; fill: none }
  .spread { stroke-width: 1 }
  @media (prefers-color-scheme: dark) {
    text { fill: #9da7b1 }
    .line0 { stroke: #58a6ff } .text0 { fill: #58a6ff } .dot0 { fill: #58a6ff }
    .line1 { stroke: #f0883e } .text1 { fill: #f0883e } .dot1 { fill: #f0883e }
  }
`

/** The SVG text of `panels` over sizes called `xLabel`. */
export function plot(xLabel: string, panels: readonly Panel[]): string {
  const width = panels.length * PANEL_WIDTH
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${HEIGHT}" width="${width}" height="${HEIGHT}" role="img">
<title>${panels.map(({ title }) => title).join('; ')}, against ${xLabel}</title>
<style>${STYLE}</style>
${panels.map((panel, index) => `<g transform="translate(${index * PANEL_WIDTH} 0)">\n${draw(xLabel, panel)}\n</g>`).join('\n')}
</svg>
`
}

function draw(xLabel: string, { title, lines }: Panel): string {
  const sizes = lines[0]!.points.map(({ x }) => x)
  const step = tickStep(Math.max(...lines.flatMap(({ points }) => points.map(({ high }) => high))))
  const bottom = HEIGHT - PLOT.bottom
  const right = PANEL_WIDTH - PLOT.right
  const first = Math.log2(Math.min(...sizes))
  const span = Math.log2(Math.max(...sizes)) - first
  const x = (size: number): number =>
    span === 0
      ? round((PLOT.left + right) / 2)
      : round(PLOT.left + 12 + ((Math.log2(size) - first) / span) * (right - PLOT.left - 24))
  const y = (value: number): number => round(bottom - (value / (step * TICKS)) * (bottom - PLOT.top))

  const marks = [`<text class="title" x="${PLOT.left}" y="20">${title}</text>`]
  for (let tick = 0; tick <= TICKS; tick++) {
    const at = y(tick * step)
    marks.push(
      `<line class="grid" x1="${PLOT.left}" x2="${right}" y1="${at}" y2="${at}"/>`,
      `<text x="${PLOT.left - 6}" y="${at + 4}" text-anchor="end">${Number((tick * step).toPrecision(3))}</text>`,
    )
  }
  for (const size of sizes) {
    marks.push(`<text x="${x(size)}" y="${bottom + 18}" text-anchor="middle">${size}</text>`)
  }
  marks.push(
    `<text x="${(PLOT.left + right) / 2}" y="${bottom + 36}" text-anchor="middle">${xLabel}</text>`,
    ...lines.flatMap(({ label, points }, index) => [
      `<polyline class="line${index}" points="${points.map((point) => `${x(point.x)},${y(point.median)}`).join(' ')}"/>`,
      ...points.flatMap((point) => [
        `<line class="line${index} spread" x1="${x(point.x)}" x2="${x(point.x)}" y1="${y(point.low)}" y2="${y(point.high)}"/>`,
        `<circle class="dot${index}" cx="${x(point.x)}" cy="${y(point.median)}" r="3"/>`,
      ]),
      `<text class="text${index}" x="${right - 2}" y="${y(points.at(-1)!.median) + 4}">${label}</text>`,
    ]),
  )
  return marks.join('\n')
}

/** The least of 1, 2, 2.5 and 5 times a power of ten of which TICKS reach `highest`. */
function tickStep(highest: number): number {
  const power = 10 ** Math.floor(Math.log10(highest / TICKS))
  return [1, 2, 2.5, 5, 10].map((digit) => digit * power).find((step) => step * TICKS >= highest)!
}

function round(pixels: number): number {
  return Math.round(pixels * 10) / 10
}
