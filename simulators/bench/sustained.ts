/** A rate counts as published when this share of it came through. */
const PUBLISHED_SHARE = 0.97
export const LAG_LIMIT_S = 1
/** Where the search begins, as a share of ingest's maximum. */
const SEARCH = { least: 0.05, most: 0.8 }

export type Tried = { perSecond: number; lagSeconds: number; historySeconds: number }

/**
 * The greatest rate that is kept up with, found by halving the interval on a logarithmic scale; zeros where none was. One that
 * is not kept up with is tried once more: what else the machine does for a second must not count as the rate.
 * @param tryRate first called with the lowest, which does not count: code that has not run yet and homes that have not been
 * read yet are no part of what is sustained
 */
export async function greatestSustained(
  { maximum, steps }: { maximum: number; steps: number },
  tryRate: (rate: number) => Promise<Tried>,
): Promise<Tried> {
  let [least, most] = [maximum * SEARCH.least, maximum * SEARCH.most]
  await tryRate(least)
  let best: Tried = { perSecond: 0, lagSeconds: 0, historySeconds: 0 }
  for (let step = 0; step < steps; step++) {
    const rate = Math.sqrt(least * most)
    let tried = await tryRate(rate)
    if (!keptUp(tried, rate)) tried = await tryRate(rate)
    if (keptUp(tried, rate)) best = tried
    if (keptUp(tried, rate)) least = rate
    else most = rate
  }
  return best
}

function keptUp({ lagSeconds, perSecond }: Tried, rate: number): boolean {
  return lagSeconds <= LAG_LIMIT_S && perSecond >= rate * PUBLISHED_SHARE
}
