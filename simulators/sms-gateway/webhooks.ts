import { createHmac } from 'node:crypto'
import http from 'node:http'
import https from 'node:https'

/** Twilio gives a webhook 15 s and does not repeat it. */
const WEBHOOK_TIMEOUT_MS = 15_000
const MAX_SOCKETS = 32
/** A webhook above this many unfinished ones is not sent at all; `dropped()` counts it. */
const MAX_UNFINISHED = 5_000

export type Webhooks = ReturnType<typeof createWebhooks>

/** Posts forms to the customer's URLs, signed as Twilio signs them. */
export function createWebhooks(authToken: string, onFailure: (reason: string) => void) {
  const agents = {
    'http:': new http.Agent({ keepAlive: true, maxSockets: MAX_SOCKETS }),
    'https:': new https.Agent({ keepAlive: true, maxSockets: MAX_SOCKETS }),
  }
  const unfinished = new Set<http.ClientRequest>()
  let dropped = 0

  function post(url: string, params: Record<string, string>): void {
    const target = new URL(url)
    if (unfinished.size >= MAX_UNFINISHED) {
      dropped += 1
      return
    }
    const secure = target.protocol === 'https:'
    const body = new URLSearchParams(params).toString()
    const request = (secure ? https : http).request(target, {
      method: 'POST',
      agent: agents[secure ? 'https:' : 'http:'],
      headers: {
        'content-type': 'application/x-www-form-urlencoded; charset=utf-8',
        'content-length': Buffer.byteLength(body),
        'user-agent': 'TwilioProxy/1.1',
        'x-twilio-signature': twilioSignature(authToken, url, params),
      },
      signal: AbortSignal.timeout(WEBHOOK_TIMEOUT_MS),
    })
    unfinished.add(request)
    request.on('response', (response) => {
      response.resume()
      if ((response.statusCode ?? 500) >= 300) onFailure(`status ${response.statusCode}`)
    })
    request.on('error', (error: NodeJS.ErrnoException) => onFailure(error.code ?? error.name))
    request.on('close', () => unfinished.delete(request))
    request.end(body)
  }

  return {
    post,
    dropped: (): number => dropped,
    close: (): void => {
      for (const request of unfinished) request.destroy()
      for (const agent of Object.values(agents)) agent.destroy()
    },
  }
}

/** https://www.twilio.com/docs/usage/security: HMAC-SHA1 over the URL and each parameter's name and value, by name. */
function twilioSignature(authToken: string, url: string, params: Record<string, string>): string {
  const names = Object.keys(params).sort()
  const signed = names.reduce((text, name) => text + name + params[name], url)
  return createHmac('sha1', authToken).update(signed, 'utf8').digest('base64')
}
