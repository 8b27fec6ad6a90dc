import type { Ports } from '../notify/testing/real-ports.ts'
import type { FoldCommit } from '../ports.ts'
import type { RulesWorker } from '../rules/rules.ts'
import type { ReplayLife } from './replay-life.ts'

/** `read`: the first home that was expected is read. */
type Tried = { stood: boolean[]; read: Promise<void> }

/** Rules and escalation in one process. `meanwhile`: done once, when both are about to be committed; `first`: what they are. */
export async function startRulesBesideEscalation(
  life: ReplayLife,
  meanwhile: () => Promise<unknown> = async () => undefined,
  first: (fold: FoldCommit) => FoldCommit = (fold) => fold,
): Promise<Tried & { rules: RulesWorker }> {
  const stood: boolean[] = []
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
  return { stood, read: read.promise, rules: await life.startRules(undefined, life.running().escalation) }
}
