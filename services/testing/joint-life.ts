import type { Ports } from '../notify/testing/real-ports.ts'
import type { FoldCommit, FoldStore, Incidents } from '../ports.ts'
import type { RulesWorker } from '../rules/rules.ts'
import type { ReplayLife } from './replay-life.ts'

/** `read`: the first home that was expected is read. */
export type BesideRules = { rules: RulesWorker; read: Promise<void> }
/** `stood`: the commits of both. `stoodAlone`: the first fold, which came by itself where both did not stand. */
type Tried = BesideRules & { stood: boolean[]; stoodAlone: boolean[] }

/** Rules and escalation in one process. `change` puts something in place of a part of the escalation's store. */
export async function startEscalationBesideRules(
  life: ReplayLife,
  change: (incidents: Incidents) => Partial<Incidents>,
  changeFold?: (store: FoldStore) => FoldStore,
): Promise<BesideRules> {
  const read = Promise.withResolvers<void>()
  await life.start(({ incidents, clock }: Ports) => ({
    // It stands: what was read is never too old for an alarm that took long to be stored and folded.
    clock: { ...clock, monotonicMs: () => 0 },
    incidents: {
      ...incidents,
      async readHome(homeId, drawIds) {
        const view = await incidents.readHome(homeId, drawIds)
        if (drawIds) read.resolve()
        return view
      },
      ...change(incidents),
    },
  }))
  const rules = await life.startRules(changeFold, life.running().escalation)
  return { rules, read: read.promise }
}

/** The same, and what became of their commits. `meanwhile`: done once, when both are about to be committed; `first`: as what. */
export async function startRulesBesideEscalation(
  life: ReplayLife,
  meanwhile: () => Promise<unknown> = async () => undefined,
  first: (fold: FoldCommit) => FoldCommit = (fold) => fold,
): Promise<Tried> {
  const stood: boolean[] = []
  const stoodAlone: boolean[] = []
  const watched = (incidents: Incidents): Partial<Incidents> => ({
    async commitWithFold(fold, ...asked) {
      const isFirst = stood.length === 0
      if (isFirst) await meanwhile()
      const claim = await incidents.commitWithFold(isFirst ? first(fold) : fold, ...asked)
      stood.push(claim !== null)
      return claim
    },
  })
  const firstAlone = (store: FoldStore): FoldStore => ({
    ...store,
    async commit(fold) {
      if (stood[0] !== false || stoodAlone.length > 0) return store.commit(fold)
      const raised = await store.commit(first(fold))
      stoodAlone.push(raised !== null)
      return raised
    },
  })
  return { ...(await startEscalationBesideRules(life, watched, firstAlone)), stood, stoodAlone }
}
