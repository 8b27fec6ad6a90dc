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
  const { homeId, ref, kind } = change
  const id = eventIdOf(change)
  switch (kind) {
    case 'home':
      return sendTo(entitled, { name: kind, data: JSON.stringify({ homeId }), id })
    case 'device':
      return sendTo(entitled, { name: kind, data: JSON.stringify({ homeId, deviceId: ref }), id })
    case 'incident': {
      const view = await readIncident(deps, change, entitled)
      if (view) sendIncident(entitled, view, id)
    }
  }
}

function sendTo(listeners: Listener[], event: Parameters<Listener['send']>[0]): void {
  for (const listener of listeners) listener.send(event)
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
    sendTo(entitled, { name: 'reset', data: '{}' })
    return null
  }
}

/** Written down once for those who see all of it, and once for those who see the technical part. */
function sendIncident(entitled: Listener[], view: IncidentView, id: string): void {
  const technical = view.incident.severity === 'technical'
  for (const personal of [true, false]) {
    if (!personal && !technical) continue
    const listeners = entitled.filter((listener) => listener.personal === personal)
    if (listeners.length === 0) continue
    sendTo(listeners, { name: 'incident', data: JSON.stringify(incidentJson(view, { personal })), id })
  }
}
