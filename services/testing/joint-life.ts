import type { Ports } from '../notify/testing/real-ports.ts'
import type { FoldCommit, FoldStore } from '../ports.ts'
import type { RulesWorker } from '../rules/rules.ts'
import type { ReplayLife } from './replay-life.ts'

/**
 * `stood`: the commits of both. `stoodAlone`: the first fold, which came by itself where both did not stand. `read`: the first home
 * that was expected is read.
 */
type Tried = { stood: boolean[]; stoodAlone: boolean[]; read: Promise<void> }

/** Rules and escalation in one process. `meanwhile`: done once, when both are about to be committed; `first`: as what. */
export async function startRulesBesideEscalation(
  life: ReplayLife,
  meanwhile: () => Promise<unknown> = async () => undefined,
  first: (fold: FoldCommit) => FoldCommit = (fold) => fold,
): Promise<Tried & { rules: RulesWorker }> {
  const stood: boolean[] = []
  const stoodAlone: boolean[] = []
  const read = Promise.withResolvers<void>()
  await life.start(({ incidents }: Ports) => ({
    incidents: {
      ...incidents,
      async readHome(homeId, drawIds) {
        const view = await incidents.readHome(homeId, drawIds)
        if (drawIds) read.resolve()
        return view
      },
      async commitWithFold(fold, ...asked) {
        const isFirst = stood.length === 0
        if (isFirst) await meanwhile()
        const claim = await incidents.commitWithFold(isFirst ? first(fold) : fold, ...asked)
        stood.push(claim !== null)
        return claim
      },
    },
  }))
  const firstAlone = (store: FoldStore): FoldStore => ({
    ...store,
    async commit(fold) {
      if (stood[0] !== false || stoodAlone.length > 0) return store.commit(fold)
      const raised = await store.commit(first(fold))
      stoodAlone.push(raised !== null)
      return raised
    },
  })
  const rules = await life.startRules(firstAlone, life.running().escalation)
  return { stood, stoodAlone, read: read.promise, rules }
}
