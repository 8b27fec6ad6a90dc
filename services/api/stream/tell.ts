import type { Change, IncidentView } from '../../ports.ts'
import { incidentJson } from '../json.ts'
import type { ApiDeps } from '../server-types.ts'
import { eventIdOf } from './change-ring.ts'
import { type Listener, mayHear } from './connection.ts'

/**
 * Tells those of the listeners who may hear it what changed; an incident is read once, however many they are. Never
 * throws: whoever cannot be told what changed is told to read anew.
 */
export async function tellChange(deps: Pick<ApiDeps, 'store' | 'log'>, change: Change, to: Listener[]): Promise<void> {
  const entitled = to.filter((listener) => mayHear(listener, change.homeId))
  if (entitled.length === 0) return
  const { homeId, ref } = change
  const id = eventIdOf(change)
  switch (change.kind) {
    case 'home':
      for (const listener of entitled) listener.send({ name: 'home', data: { homeId }, id })
      return
    case 'device':
      for (const listener of entitled) listener.send({ name: 'device', data: { homeId, deviceId: ref }, id })
      return
    case 'incident': {
      const view = await readIncident(deps, change, entitled)
      if (view) for (const listener of entitled) sendIncident(listener, view, id)
    }
  }
}

async function readIncident(
  { store, log }: Pick<ApiDeps, 'store' | 'log'>,
  { homeId, ref }: Change,
  entitled: Listener[],
): Promise<IncidentView | null> {
  const readers = new Set(entitled.filter((listener) => listener.personal).map((listener) => listener.userId))
  try {
    return await store.incidents.readForStream(homeId, ref, [...readers])
  } catch (err) {
    log.warn({ err, homeId, incidentId: ref }, 'a changed incident could not be read')
    for (const listener of entitled) listener.send({ name: 'reset', data: {} })
    return null
  }
}

function sendIncident(listener: Listener, view: IncidentView, id: string): void {
  if (!listener.personal && view.incident.severity !== 'technical') return
  listener.send({ name: 'incident', data: incidentJson(view, listener), id })
}
