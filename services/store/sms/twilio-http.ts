import http from 'node:http'
import https from 'node:https'
import type { Duplex } from 'node:stream'
import type { Client, RequestOpts } from 'twilio/lib/base/BaseTwilio.js'

/** More requests than this at once wait for a socket; their time-out runs on meanwhile. */
const MAX_SOCKETS = 20
/** Shorter than servers keep idle connections, so that we seldom write into one that is just being closed. */
const IDLE_SOCKET_MS = 15_000
/** A longer answer is cut. A page of 1,000 messages has about 1 MB. */
const MAX_ANSWER_BYTES = 8 * 1024 * 1024

type Answer = { statusCode: number; body: string; headers: http.IncomingHttpHeaders }

export type TwilioHttp = {
  /** What Twilio's resource classes ask of their client, with this time-out on each request. */
  client(timeoutMs: number): Client
  close(): void
}

/** No answer came. `sent` false: the request never left, so nothing can have been accepted. */
export class NoAnswerError extends Error {
  readonly code: string
  readonly sent: boolean

  constructor(code: string, sent: boolean) {
    super(`no answer from the SMS provider: ${code}`)
    this.name = 'NoAnswerError'
    this.code = code
    this.sent = sent
  }
}

/**
 * Twilio's own transport is axios; it brings 29 of the 35 MB of `import 'twilio'` and cannot tell a request that
 * never left from one that was cut.
 */
export function createTwilioHttp(options: { apiUrl: string; accountSid: string; authToken: string }): TwilioHttp {
  const base = new URL(options.apiUrl)
  const secure = base.protocol === 'https:'
  const agentOptions = { keepAlive: true, maxSockets: MAX_SOCKETS, timeout: IDLE_SOCKET_MS }
  const agent = secure ? new https.Agent(agentOptions) : new http.Agent(agentOptions)
  const credentials = Buffer.from(`${options.accountSid}:${options.authToken}`).toString('base64')

  function request(asked: RequestOpts, timeoutMs: number): Promise<Answer> {
    const url = new URL(asked.uri ?? '')
    // A link to a next page comes from outside: our credentials go to no other host.
    if (url.origin !== base.origin) return Promise.reject(new NoAnswerError('foreign-url', false))
    for (const [name, value] of Object.entries(asked.params ?? {})) url.searchParams.append(name, String(value))
    const body = asked.data === undefined ? '' : formEncode(asked.data)
    const headers = {
      accept: 'application/json',
      authorization: `Basic ${credentials}`,
      'user-agent': 'anlin',
      ...(body === ''
        ? {}
        : { 'content-type': 'application/x-www-form-urlencoded', 'content-length': Buffer.byteLength(body) }),
    }
    const outgoing = (secure ? https : http).request(url, {
      method: (asked.method ?? 'get').toUpperCase(),
      agent,
      headers,
    })
    const answer = readAnswer(outgoing, secure, timeoutMs)
    outgoing.end(body)
    return answer
  }

  return {
    client(timeoutMs) {
      const transport: Pick<Client, 'request'> = { request: (asked) => request(asked, timeoutMs) }
      // Twilio types the whole client; its resource classes call only `request`.
      return transport as Client
    },
    close: () => agent.destroy(),
  }
}

/** Kept here because Node marks a kept-alive socket as reused only when no request had to wait for it. */
const connected = new WeakSet<Duplex>()

function readAnswer(outgoing: http.ClientRequest, secure: boolean, timeoutMs: number): Promise<Answer> {
  return new Promise((resolve, reject) => {
    let sent = false
    // Once sent, the socket's own word for its end (ECONNRESET, EPIPE, none at all) is chance.
    const fail = (code: string) =>
      reject(new NoAnswerError(sent && code !== 'time-out' ? 'connection-cut' : code, sent))
    const deadline = setTimeout(() => {
      fail('time-out')
      outgoing.destroy()
    }, timeoutMs)
    outgoing.on('socket', (socket) => {
      sent = connected.has(socket)
      if (sent) return
      socket.once(secure ? 'secureConnect' : 'connect', () => {
        connected.add(socket)
        sent = true
      })
    })
    outgoing.on('error', (error: NodeJS.ErrnoException) => fail(error.code ?? 'connection-failed'))
    outgoing.on('close', () => {
      clearTimeout(deadline)
      fail('connection-cut')
    })
    outgoing.on('response', (incoming) => {
      const chunks: Buffer[] = []
      let bytes = 0
      incoming.on('data', (chunk: Buffer) => {
        bytes += chunk.length
        if (bytes <= MAX_ANSWER_BYTES) chunks.push(chunk)
        else outgoing.destroy()
      })
      incoming.on('end', () => {
        const body = Buffer.concat(chunks).toString('utf8')
        resolve({ statusCode: incoming.statusCode ?? 0, body, headers: incoming.headers })
      })
      incoming.on('error', (error: NodeJS.ErrnoException) => fail(error.code ?? 'connection-cut'))
    })
  })
}

function formEncode(data: object): string {
  const form = new URLSearchParams()
  for (const [name, value] of Object.entries(data)) form.append(name, String(value))
  return form.toString()
}
