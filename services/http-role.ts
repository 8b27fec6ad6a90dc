import { join } from 'node:path'
import { createApi } from './api/api.ts'
import { createOperations } from './api/operations.ts'
import type { Escalation } from './escalation/escalation.ts'
import { createHistory } from './history/history.ts'
import { openHistoryStore } from './history-role.ts'
import type { Notify } from './notify/notify.ts'
import type { Parts } from './platform.ts'
import { createReadiness } from './readiness.ts'
import { createApiStore } from './store/postgres/api-store.ts'
import { createHistoryProgress } from './store/postgres/history-progress.ts'
import { createIncidents } from './store/postgres/incidents.ts'
import { readUnfolded } from './store/postgres/unfolded.ts'
import { createTwilioWebhooks } from './store/sms/twilio-webhooks.ts'
import type { Sweeper } from './sweep.ts'

/** However much is asked of the pages: the other roles of this process must find their connections meanwhile. */
const PAGE_CONNECTIONS = 4
/**
 * A year of a home's readings may take seconds. Whoever asks for one waits for others who do, and nobody who takes an
 * incident or looks at the desk waits for them.
 */
const RECORD_CONNECTIONS = 2

const PAGES = join(import.meta.dirname, '..', 'dashboards', 'dist')

/**
 * Opens the process's HTTP port: the whole API where that is one of its roles, else `/healthz`, `/readyz` and `/metrics`
 * alone, so that every process can be watched.
 */
export async function openHttp(
  answering: { escalation: Escalation; notify: Notify } | null,
  parts: Parts,
  sweeper: Sweeper,
): Promise<void> {
  const { foundation, lifecycle, addresses } = parts
  const { pool, metrics, log, hints } = foundation
  const operation = { readiness: createReadiness(pool, sweeper, hints.queueIsUp), metricsText: metrics.text }
  const server = answering ? await openApi(answering, parts, operation) : createOperations({ ...operation, log })
  await server.listen({ host: foundation.config.http.host, port: addresses.httpPort })
  lifecycle.onEnd('http', () => server.close())
  if (answering && foundation.config.production) await offerSetup(parts)
}

/** A new installation has nobody who could sign in: whoever reads this process's output makes the first administrator. */
async function offerSetup({ foundation, addresses }: Parts): Promise<void> {
  const { pool, sealing, keys } = foundation
  const token = await createApiStore(pool, sealing, keys.sessionKey).setup.issue()
  // Straight to the output, once: a secret has no place in a log that is shipped and kept.
  if (token)
    process.stdout.write(`\nFirst administrator: ${addresses.publicUrl}/setup/${token} (one use, one hour)\n\n`)
}

async function openApi(
  { escalation, notify }: { escalation: Escalation; notify: Notify },
  { foundation, addresses, twilio }: Parts,
  operation: Pick<Parameters<typeof createApi>[0], 'readiness' | 'metricsText'>,
) {
  const { pool, sealing, keys, changes, hints, clock, log, metrics } = foundation
  const pages = await foundation.openOwnPool('pages', PAGE_CONNECTIONS)
  const records = await foundation.openOwnPool('records', RECORD_CONNECTIONS)
  return createApi({
    ...operation,
    store: createApiStore(pages, sealing, keys.sessionKey, records),
    submit: escalation.submit,
    people: createIncidents(pool, sealing),
    onStatusCallback: notify.onStatusCallback,
    onIncomingMessage: notify.onIncomingMessage,
    webhooks: createTwilioWebhooks({ authToken: twilio.authToken, publicUrl: addresses.publicUrl }),
    history: createHistory(openHistoryStore({ ...foundation, pool: records }), createHistoryProgress(records)),
    publicUrl: addresses.publicUrl,
    trustProxy: foundation.config.http.trustProxy,
    demo: addresses.phones === null ? null : { smsGatewayUrl: addresses.phones },
    pagesFolder: PAGES,
    changes,
    // Over the connections of the roles: what the pages ask must not decide whether they count as current.
    unfoldedMs: readUnfolded(pool),
    hints,
    clock,
    log,
    metrics,
  })
}
