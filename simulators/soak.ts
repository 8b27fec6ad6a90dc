import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { drainTrial } from './trials/drain.ts'
import { frozenRoleTrial } from './trials/frozen-role.ts'
import { historyAwayTrial } from './trials/history-away.ts'
import { killTrial } from './trials/kill.ts'
import { powerCutTrial } from './trials/power-cut.ts'
import { queueAwayTrial } from './trials/queue-away.ts'
import { sumFigures, type Trial, type TrialResult } from './trials/trial.ts'
import { twoIngestsTrial } from './trials/two-ingests.ts'

const TRIALS: Trial[] = [
  killTrial,
  powerCutTrial,
  frozenRoleTrial,
  queueAwayTrial,
  historyAwayTrial,
  twoIngestsTrial,
  drainTrial,
]
const ROOT = join(import.meta.dirname, '..')
const STATE = join(ROOT, '.data', 'soak.jsonl')
const TABLE = join(ROOT, 'docs', 'soak.md')
/** A trial is run in pieces of this size, so that what was done survives an interruption. */
const PIECE = 10
const HELP = `npm run soak -- [--only NAME] [--seed N] [--size N] [--resume]

What takes too long for npm test: kills, freezes and cuts at full size. Each piece's result is kept at once in
.data/soak.jsonl, so that --resume goes on where it ended; the table goes to docs/soak.md.
trials: ${TRIALS.map(({ name, soakSize }) => `${name} (${soakSize})`).join(', ')}
`

type Piece = { trial: string; seed: number; size: number; seconds: number; result: TrialResult }

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    seed: { type: 'string', default: '1' },
    size: { type: 'string' },
    resume: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})

if (values.help) process.stdout.write(HELP)
else await soak()

async function soak(): Promise<void> {
  const chosen = TRIALS.filter(({ name }) => values.only === undefined || values.only === name)
  if (chosen.length === 0) throw new Error(`no trial is called ${values.only}\n${HELP}`)
  mkdirSync(join(ROOT, '.data'), { recursive: true })
  if (!values.resume) forget(chosen)
  for (const trial of chosen) await runInPieces(trial)
  const pieces = readPieces()
  mkdirSync(join(ROOT, 'docs'), { recursive: true })
  writeFileSync(TABLE, tableOf(pieces))
  const faults = pieces.flatMap(({ result }) => result.faults)
  process.stdout.write(`${faults.length === 0 ? 'everything held' : faults.join('\n')}\nwrote docs/soak.md\n`)
  if (faults.length > 0) process.exitCode = 1
}

/** What other trials have shown before stays in the table. */
function forget(chosen: Trial[]): void {
  const others = readPieces().filter((piece) => !chosen.some(({ name }) => name === piece.trial))
  writeFileSync(STATE, others.map((piece) => `${JSON.stringify(piece)}\n`).join(''))
}

async function runInPieces(trial: Trial): Promise<void> {
  const size = values.size === undefined ? trial.soakSize : Number(values.size)
  const done = readPieces().filter((piece) => piece.trial === trial.name)
  let left = size - done.reduce((sum, piece) => sum + piece.size, 0)
  for (let number = done.length; left > 0; number++) {
    const piece = { trial: trial.name, seed: Number(values.seed) + number, size: Math.min(PIECE, left) }
    process.stderr.write(`${trial.name}: ${size - left} of ${size}, next ${piece.size} with seed ${piece.seed}\n`)
    const beganAt = performance.now()
    const onProgress = (line: string) => process.stderr.write(`  ${line}\n`)
    const result = await trial.run({ seed: piece.seed, size: piece.size, onProgress })
    const seconds = Math.round((performance.now() - beganAt) / 1_000)
    appendFileSync(STATE, `${JSON.stringify({ ...piece, seconds, result })}\n`)
    left -= piece.size
  }
}

function readPieces(): Piece[] {
  if (!existsSync(STATE)) return []
  return readFileSync(STATE, 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Piece)
}

function tableOf(pieces: Piece[]): string {
  const rows = TRIALS.flatMap((trial) => {
    const own = pieces.filter((piece) => piece.trial === trial.name)
    if (own.length === 0) return []
    const sum = (pick: (piece: Piece) => number) => own.reduce((total, piece) => total + pick(piece), 0)
    const counts = [
      sum(({ size }) => size),
      sum(({ result }) => result.attempted),
      sum(({ result }) => result.acknowledged),
      sum(({ result }) => result.lost),
      sum(({ result }) => result.doubled),
    ]
    const figures = sumFigures(own.map(({ result }) => result.figures))
    const more = Object.entries(figures)
      .map(([name, value]) => `${name} ${Math.round(value)}`)
      .join(', ')
    // What a process said to a fault is for the terminal; the table has the fault's first line.
    const faults = own.flatMap(({ result }) => result.faults.map((fault) => fault.split('\n')[0]))
    return `| ${trial.name}: ${trial.holds} | ${counts.join(' | ')} | ${more} | ${faults.join('; ') || 'held'} | ${sum(({ seconds }) => seconds)} s |`
  })
  return `# What holds under kills, freezes and cuts

Written by \`npm run soak\` on ${new Date().toISOString().slice(0, 10)}, ${process.platform} with ${availableParallelism()} processors, Node ${process.version}.
Times are the worst seen. Lost: acknowledged to the device, and no incident or no phone. Doubled: incidents more than one a press.

| trial | size | attempted | acknowledged | lost | doubled | figures | verdict | took |
|---|---|---|---|---|---|---|---|---|
${rows.join('\n')}
`
}
