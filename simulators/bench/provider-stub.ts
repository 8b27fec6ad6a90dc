import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'

/** Requests remembered; a benchmark sends far fewer, and what is beyond is answered without being remembered. */
const MAX_REMEMBERED = 100_000

export type ProviderStub = {
  url: string
  /** Resolves to the time (`performance.now()`) at which the first message to this number arrived. */
  firstRequestTo(phone: string): Promise<number>
  requests(): number
  close(): Promise<void>
}

/**
 * An SMS provider that only looks at its watch: it takes every message at once, in the process that also publishes the
 * presses, so that both times are of one monotonic clock. It speaks as much of Twilio's API as sending needs.
 */
export async function startProviderStub(): Promise<ProviderStub> {
  const arrivals = new Map<string, number>()
  const waiting = new Map<string, (at: number) => void>()
  let requests = 0

  function take(request: IncomingMessage, response: ServerResponse, body: string, at: number): void {
    if (request.method !== 'POST') {
      answer(response, 200, emptyPage(request.url ?? '/'))
      return
    }
    requests += 1
    const form = new URLSearchParams(body)
    const to = form.get('To') ?? ''
    if (!arrivals.has(to) && arrivals.size < MAX_REMEMBERED) {
      arrivals.set(to, at)
      waiting.get(to)?.(at)
      waiting.delete(to)
    }
    const sid = `SM${String(requests).padStart(32, '0')}`
    answer(response, 201, { sid, status: 'queued', to, from: form.get('From'), body: form.get('Body') })
  }

  const server = createServer((request, response) => {
    const at = performance.now()
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => take(request, response, Buffer.concat(chunks).toString(), at))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  return {
    url: `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`,
    firstRequestTo(phone) {
      const at = arrivals.get(phone)
      return at === undefined ? new Promise((resolve) => waiting.set(phone, resolve)) : Promise.resolve(at)
    },
    requests: () => requests,
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

/** Whoever asks for messages, incoming or by number, finds none. */
function emptyPage(uri: string): object {
  const page = { page: 0, page_size: 50, start: 0, end: 0, uri, first_page_uri: uri }
  return { messages: [], ...page, next_page_uri: null, previous_page_uri: null }
}

function answer(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}
