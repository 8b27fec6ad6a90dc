import { setTimeout as sleep } from 'node:timers/promises'

const LOOK_EVERY_MS = 20
/** The gateway's clock is ours; what it accepted in the same millisecond as the last look is read twice and known. */
const OVERLAP_MS = 50
/** The link of an alarm is made from the message's own id: the same message sent twice carries it twice. */
const ALARM = /(\S+) \S*求助按钮.* \S+\/a\/([\w-]+)$/

type PhoneMessage = { sid: string; direction: string; to: string; body: string; at: string }

/** An SOS alarm on a phone: the room it tells of, when it came first, in epoch ms, and how often the same message came. */
type Alarm = { room: string; link: string; atMs: number; count: number }

export type Phones = {
  /** Of this phone, in the order in which they came first. */
  alarms(number: string): readonly Alarm[]
  /** Resolves with true when `isSo` holds after some message, with false when `signal` gives up. */
  until(isSo: () => boolean, signal: AbortSignal): Promise<boolean>
  close(): Promise<void>
}

/** Follows what the SMS gateway's phones show, over its control routes. */
export function followPhones(gatewayUrl: string): Phones {
  const alarms = new Map<string, Alarm[]>()
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
    const [, room, link] = (direction === 'inbound' ? null : ALARM.exec(body)) ?? []
    if (room === undefined || link === undefined) return
    const own = alarms.get(to) ?? []
    alarms.set(to, own)
    const before = own.find((alarm) => alarm.link === link)
    if (before) before.count += 1
    else own.push({ room, link, atMs, count: 1 })
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
    alarms: (number) => alarms.get(number) ?? [],
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
