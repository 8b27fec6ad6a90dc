import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { createTwilioWebhooks } from '../../store/sms/twilio-webhooks.ts'
import type { Notify } from '../notify.ts'

/** The routes that the provider calls, as the API will have them: signature, judgement, and 2xx only after the commit. */
export async function serveWebhooks(authToken: string, notify: () => Notify | null) {
  const server = http.createServer((request, response) => {
    void answer(request).then((status) => response.writeHead(status).end())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const webhooks = createTwilioWebhooks({ authToken, publicUrl: url })

  async function answer(request: http.IncomingMessage): Promise<number> {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const params = Object.fromEntries(new URLSearchParams(Buffer.concat(chunks).toString('utf8')))
    const pathAndQuery = request.url ?? '/'
    const signature = request.headers['x-twilio-signature']
    if (!webhooks.isSigned({ pathAndQuery, params, signature: String(signature) })) return 403
    const here = notify()
    if (here === null) return 503
    const outboxId = new URL(pathAndQuery, url).searchParams.get('outboxId')
    const receipt = outboxId === null ? null : webhooks.readReceipt(params)
    const incoming = outboxId === null ? webhooks.readIncoming(params) : null
    try {
      if (receipt && outboxId !== null) await here.onStatusCallback({ ...receipt, outboxId })
      else if (incoming) await here.onIncomingMessage(incoming)
    } catch {
      return 500
    }
    return 204
  }

  return {
    url,
    statusCallbackUrl: (outboxId: string) =>
      `${url}/webhooks/twilio/message-status?outboxId=${encodeURIComponent(outboxId)}`,
    close: () => new Promise<void>((resolve) => server.close(() => resolve())),
  }
}
