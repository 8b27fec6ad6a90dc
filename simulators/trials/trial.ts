/** What every trial is and counts. A trial speaks only the public wires and starts the platform as an operator would. */

export type TrialOptions = {
  /** The same seed gives the same moments, as far as two processors that are shared allow. */
  seed: number
  /** How much of it: kills, copies, rounds; each trial says what. */
  size: number
  onProgress(line: string): void
}

export type Counts = {
  /** What devices or people wanted to say. */
  attempted: number
  /** What the platform said it has. */
  acknowledged: number
  /** Acknowledged, and nothing came of it. */
  lost: number
  /** Came of it more often than once. */
  doubled: number
}

export type TrialResult = Counts & {
  /** Figures of this trial alone, by name: of `…Ms` and `homes` the most counts, of `least…` the least, others add up. */
  figures: Record<string, number>
  /** One line for each thing that did not hold; empty: it held. */
  faults: string[]
}

export type Trial = {
  name: string
  /** What is done and what has to hold, in one sentence; it heads the trial's row in docs/soak.md. */
  holds: string
  soakSize: number
  run(options: TrialOptions): Promise<TrialResult>
}

export function describeResult({ figures, faults, ...counts }: TrialResult): string {
  const said = Object.entries({ ...counts, ...figures }).map(([name, value]) => `${name} ${Math.round(value)}`)
  return [said.join(', '), ...faults].join('\n')
}

export function sumFigures(all: TrialResult['figures'][]): TrialResult['figures'] {
  const sum: TrialResult['figures'] = {}
  for (const [name, value] of all.flatMap((figures) => Object.entries(figures))) {
    const known = sum[name]
    if (known === undefined) sum[name] = value
    else if (name.startsWith('least')) sum[name] = Math.min(known, value)
    else sum[name] = /Ms$|^homes$/.test(name) ? Math.max(known, value) : known + value
  }
  return sum
}
