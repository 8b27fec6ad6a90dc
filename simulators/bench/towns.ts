import { count } from './figures.ts'
import type { BenchHome } from './ground.ts'
import { CONNECTIONS } from './measure-brokers.ts'
import type { Plan } from './plan.ts'

/**
 * Who publishes while the way is measured, each home through a connection of its own. `pressing`: whose buttons are pressed
 * meanwhile; no home's twice in a run, for a second press tells nobody at once.
 */
export type Town = {
  id: string
  homes: BenchHome[]
  words: string
  /** At half of what ingest took alone, and at half of what the whole way kept up with. */
  pressing: { ingest: BenchHome[]; way: BenchHome[] }
}

/**
 * First as many connections as ingest's maximum was measured with, so that a share of it is a share of the same load. Then a
 * community's: there almost every message is a read and a write of its own, for the load as well as for ingest.
 */
export function townsOf(homes: BenchHome[], { idlePresses, loadedPresses }: Plan): Town[] {
  const part = (nth: number) => homes.slice(idlePresses + nth * loadedPresses, idlePresses + (nth + 1) * loadedPresses)
  return [
    {
      id: 'gateways',
      homes: homes.slice(-CONNECTIONS),
      words: `${CONNECTIONS} busy gateways`,
      pressing: { ingest: part(0), way: part(1) },
    },
    { id: 'homes', homes, words: `${count(homes.length)} homes`, pressing: { ingest: part(2), way: part(3) } },
  ]
}
