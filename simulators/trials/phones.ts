import { setTimeout as sleep } from 'node:timers/promises'

const LOOK_EVERY_MS = 20
/** The gateway's clock is ours; what it accepted in the same millisecond as the last look is read twice and known. */
const OVERLAP_MS = 50
/** The link of an alarm is made from the message's own id: the same message sent twice carries it twice. */
const ALARM = /求助按钮.* \S+\/a\/([\w-]+)$/

type PhoneMessage = { sid: string; direction: string; to: string; body: string; at: string }

export type Phones = {
  /** SOS alarms on this phone by message: how often each came. */
  alarms(number: string): ReadonlyMap<string, number>
  /** Resolves with true when `isSo` holds after some message, with false when `signal` gives up. */
  until(isSo: () => boolean, signal: AbortSignal): Promise<boolean>
  close(): Promise<void>
}

/** Follows what the SMS gateway's phones show, over its control routes. */
export function followPhones(gatewayUrl: string): Phones {
  const alarms = new Map<string, Map<string, number>>()
  const ending = new AbortController()
  let known = new Map<string, number>()
  let sinceMs = 0
  let etag = ''

  async function look(): Promise<void> {
    const since = new Date(Math.max(0, sinceMs - OVERLAP_MS)).toISOString()
    const answer = await fetch(`${gatewayUrl}/messages?since=${since}`, { headers: { 'if-none-match': etag } })
    if (answer.status === 304) return void (await answer.body?.cancel())
    etag = answer.headers.get('etag') ?? ''
    const messages = (await answer.json()) as PhoneMessage[]
    for (const message of messages) take(message)
    known = new Map([...known].filter(([, atMs]) => atMs >= sinceMs - OVERLAP_MS))
  }

  function take({ sid, direction, to, body, at }: PhoneMessage): void {
    const atMs = Date.parse(at)
    sinceMs = Math.max(sinceMs, atMs)
    if (known.has(sid)) return
    known.set(sid, atMs)
    const link = direction === 'inbound' ? undefined : ALARM.exec(body)?.[1]
    if (link === undefined) return
    const own = alarms.get(to) ?? new Map<string, number>()
    alarms.set(to, own.set(link, (own.get(link) ?? 0) + 1))
  }

  const following = (async () => {
    while (!ending.signal.aborted) {
      await look()
      await sleep(LOOK_EVERY_MS, undefined, { signal: ending.signal }).catch(() => undefined)
    }
  })()
  // A trial that has failed never closes it; its own failure is the one to be told.
  following.catch(() => undefined)
  return {
    alarms: (number) => alarms.get(number) ?? new Map(),
    async until(isSo, signal) {
      while (!isSo()) {
        if (signal.aborted) return false
        await sleep(LOOK_EVERY_MS)
      }
      return true
    },
    async close() {
      ending.abort()
      await following
    },
  }
}
