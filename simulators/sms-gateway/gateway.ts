import formbody from '@fastify/formbody'
import fastify from 'fastify'
import { controlRoutes } from './control-routes.ts'
import { createDelivery, type DeliveryTimes } from './delivery.ts'
import { createFaults } from './faults.ts'
import { createMessageStore, type Message } from './message-store.ts'
import { pageRoutes } from './page-routes.ts'
import { createRequestCounts } from './request-counts.ts'
import { twilioApi } from './twilio-api.ts'
import { createWebhooks } from './webhooks.ts'

const MAX_REQUEST_BYTES = 64 * 1024
const DEFAULT_TIMES: DeliveryTimes = { sentAfterMs: 20, deliveredAfterMs: 50 }

export type SmsGatewayOptions = {
  /** 0 or left out: any free port. */
  port?: number
  host?: string
  accountSid: string
  authToken: string
  /** The number that the account sends from and that people reply to. */
  fromNumber: string
  /** Where replies are posted; without one they are only kept, like those sent while the platform is down. */
  incomingWebhookUrl?: string
  deliveryTimes?: DeliveryTimes
  logger?: { warn(fields: object, message: string): void }
}

export type SmsGateway = {
  url: string
  port: number
  /** The platform's own port may be known only after the gateway's. */
  setIncomingWebhookUrl(url: string | null): void
  close(): Promise<void>
}

/** Starts an SMS gateway that speaks Twilio's API; everything it knows is in memory and bounded. */
export async function startSmsGateway(options: SmsGatewayOptions): Promise<SmsGateway> {
  const { accountSid, authToken, fromNumber, logger } = options
  let incomingWebhookUrl = options.incomingWebhookUrl ?? null

  const store = createMessageStore()
  const faults = createFaults()
  const counts = createRequestCounts()
  const webhooks = createWebhooks(authToken, (reason) => logger?.warn({ reason }, 'a webhook was not taken'))
  const delivery = createDelivery(store, webhooks, accountSid, options.deliveryTimes ?? DEFAULT_TIMES)

  function receive(from: string, body: string): Message {
    const message = store.add({ direction: 'inbound', from, to: fromNumber, body, statusCallback: null })
    if (incomingWebhookUrl !== null) webhooks.post(incomingWebhookUrl, incomingParams(accountSid, message))
    return message
  }

  // Closing cuts kept-alive and hung connections, so that it never waits for a client.
  const app = fastify({
    logger: false,
    bodyLimit: MAX_REQUEST_BYTES,
    forceCloseConnections: true,
    // A misspelt field of a fault rule is refused, not dropped.
    ajv: { customOptions: { removeAdditional: false } },
  })
  app.decorateReply('badInput', function (message: string) {
    return this.code(400).send({ code: 'bad-input', message })
  })
  await app.register(formbody)
  await app.register(twilioApi, {
    prefix: '/2010-04-01',
    accountSid,
    authToken,
    fromNumber,
    store,
    faults,
    delivery,
    counts,
  })
  await app.register(controlRoutes, { store, faults, counts, receive })
  await app.register(pageRoutes)
  const url = await app.listen({ port: options.port ?? 0, host: options.host ?? '127.0.0.1' })

  return {
    url,
    port: Number(new URL(url).port),
    setIncomingWebhookUrl: (next) => {
      incomingWebhookUrl = next
    },
    close: async () => {
      delivery.close()
      webhooks.close()
      await app.close()
    },
  }
}

function incomingParams(accountSid: string, message: Message): Record<string, string> {
  return {
    AccountSid: accountSid,
    ApiVersion: '2010-04-01',
    Body: message.body,
    From: message.from,
    MessageSid: message.sid,
    NumMedia: '0',
    NumSegments: '1',
    SmsMessageSid: message.sid,
    SmsSid: message.sid,
    SmsStatus: 'received',
    To: message.to,
  }
}

declare module 'fastify' {
  interface FastifyReply {
    badInput(message: string): FastifyReply
  }
}
