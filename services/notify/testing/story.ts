import { setTimeout as sleep } from 'node:timers/promises'
import { expect, vi } from 'vitest'
import { startSmsGateway } from '../../../simulators/sms-gateway/gateway.ts'
import { Hush } from '../../core/hush.ts'
import type { Incident } from '../../core/incident/incident.ts'
import type { IncidentKind, Signal } from '../../core/signal.ts'
import { type Escalation, startEscalation } from '../../escalation/escalation.ts'
import { linkToken } from '../../store/postgres/incident-links.ts'
import { createLocalHints } from '../../store/queue/local-hints.ts'
import { createSealing } from '../../store/sealing.ts'
import { createTestDatabase } from '../../testing/postgres.ts'
import { type Notify, startNotify } from '../notify.ts'
import { HOME, type Person, PHONES, settleCommunity } from './community.ts'
import { mortal } from './mortal.ts'
import { silent, uncounted } from './quiet-ports.ts'
import { ACCOUNT, type Ports, portsOf } from './real-ports.ts'
import { writeSignal } from './signals.ts'
import { serveWebhooks } from './webhooks.ts'

const WAIT = { timeout: 25_000, interval: 10 }

type PhoneMessage = { sid: string; direction: string; body: string; at: string; status: string }
export type Platform = { escalation: Escalation; notify: Notify; die(): void }

type OutboxRow = {
  outbox_id: string
  status: string
  attempts: number
  error_code: string | null
  purpose: string
  recipient: string
}

export type Story = Awaited<ReturnType<typeof beginStory>>

/**
 * A community with real parts on both sides: PostgreSQL, and the SMS gateway behind Twilio's client. Only the rules are
 * left out: their signals are written as they would write them. Time passes when the story says so.
 */
export async function beginStory() {
  const database = await createTestDatabase()
  const { pool } = database
  const sealing = createSealing('a key for tests, long enough for it')
  await settleCommunity(pool, sealing)
  await pool.query('create table story_clock (ahead interval not null)')
  await pool.query("insert into story_clock values ('0')")
  await pool.query(`create or replace function platform_now() returns timestamptz language sql stable
    as 'select clock_timestamp() + ahead from story_clock'`)
  const gateway = await startSmsGateway({ ...ACCOUNT, deliveryTimes: { sentAfterMs: 1, deliveredAfterMs: 1 } })
  let platform: Platform | null = null
  const webhooks = await serveWebhooks(ACCOUNT.authToken, () => platform?.notify ?? null)
  gateway.setIncomingWebhookUrl(`${webhooks.url}/webhooks/twilio/incoming-message`)
  const seen = new Set<string>()

  /** An entrance is open all the while: nobody starts after a downtime. */
  async function moveClock(byMs: number): Promise<void> {
    await pool.query("update story_clock set ahead = ahead + $1::float8 * interval '1 millisecond'", [byMs])
    await pool.query('update entrance_watch set heard_until = platform_now()')
  }

  /** A platform process, as main.ts would put it together. `change` puts another part in place of one. */
  async function startPlatform(change: (own: Ports) => Partial<Ports> = () => ({})): Promise<Platform> {
    const own = portsOf(pool, sealing, gateway.url)
    let dead = false
    const { clock, ...given } = { ...own, ...change(own) }
    const incidents = mortal(given.incidents, () => dead)
    const outbox = mortal(given.outbox, () => dead)
    const incoming = mortal(given.incoming, () => dead)
    const provider = mortal(given.provider, () => dead)
    const hints = createLocalHints(silent)
    const common = { hints, clock, log: silent, metrics: uncounted }
    const escalation = await startEscalation({
      hush: new Hush(),
      ...common,
      incidents,
      publicUrl: 'https://anlin.example',
      linkToken: (outboxId) => linkToken(sealing, outboxId),
    })
    const notify = startNotify({
      ...common,
      outbox,
      incoming,
      provider,
      people: incidents,
      random: () => 0,
      statusCallbackUrl: webhooks.statusCallbackUrl,
      submit: escalation.submit,
    })
    escalation.sendWith(notify)
    hints.listen('incident', escalation.onHint)
    hints.listen('outbox', notify.onHint)
    const die = () => {
      dead = true
    }
    return { escalation, notify, die }
  }

  function running(): Platform {
    if (platform === null) throw new Error('the platform is not running in this part of the story')
    return platform
  }

  async function stop(): Promise<void> {
    const ending = running()
    platform = null
    await ending.notify.close()
    await ending.escalation.close()
  }

  /** What sweeps do, until nothing moves any more; inputs do not wait for their hint's time, for the story's goes on with ours. */
  async function sweep(): Promise<void> {
    const { escalation, notify } = running()
    await vi.waitFor(async () => {
      const waiting = await pool.query<{ home_id: string }>(
        'select distinct home_id from incident_input where applied_at is null',
      )
      await Promise.all(waiting.rows.map((row) => escalation.onHint(row.home_id)))
      await escalation.sweep()
      await notify.sweep()
      await escalation.drain()
      await notify.drain()
      const { rows } = await pool.query<{ busy: number }>(`select
        (select count(*) from incident_input where applied_at is null)
        + (select count(*) from outbox where status = 'pending' and due_at <= platform_now()) as busy`)
      expect(rows[0]?.busy).toBe(0)
    }, WAIT)
  }

  async function phone(person: Person): Promise<PhoneMessage[]> {
    const response = await fetch(`${gateway.url}/phones/${encodeURIComponent(PHONES[person])}/messages`)
    return (await response.json()) as PhoneMessage[]
  }

  async function reply(person: Person, body: string): Promise<void> {
    await fetch(`${gateway.url}/phones/${encodeURIComponent(PHONES[person])}/messages`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ body }),
    })
  }

  /** The person's next message that the story has not told yet. */
  async function expectSms(person: Person, text: RegExp) {
    const found = await vi.waitFor(async () => {
      const unseen = (await phone(person)).filter(({ sid, direction }) => direction !== 'inbound' && !seen.has(sid))
      const [next] = unseen
      expect(next, `a message to the ${person}`).toBeDefined()
      return next as PhoneMessage
    }, WAIT)
    expect(found.body, `to the ${person}`).toMatch(text)
    seen.add(found.sid)
    const code = /Reply [12] (\d\d)\b/.exec(found.body)?.[1] ?? ''
    return { body: found.body, code, thenReply: (body: string) => reply(person, body) }
  }

  async function unexpected(): Promise<string[]> {
    const response = await fetch(`${gateway.url}/messages`)
    const all = (await response.json()) as PhoneMessage[]
    return all.filter(({ sid, direction }) => direction !== 'inbound' && !seen.has(sid)).map(({ body }) => body)
  }

  return {
    pool,
    gateway,
    sealing,
    ports: () => portsOf(pool, sealing, gateway.url),
    startPlatform,
    running,
    sweep,
    reply,
    expectSms,
    phone,
    async start(change?: (own: Ports) => Partial<Ports>) {
      platform = await startPlatform(change)
      return platform
    },
    stop,
    /** As by SIGKILL: nothing is finished, whatever it had in hand stays as it is in the database. */
    kill() {
      running().die()
      platform = null
    },
    async signal(
      signal: Partial<Signal> & { homeId?: string; kind?: IncidentKind; type?: Signal['type'] } = {},
      { hinted } = { hinted: true },
    ) {
      const { homeId = HOME, ...rest } = signal
      await writeSignal(pool, homeId, rest)
      if (hinted) await platform?.escalation.onHint(homeId)
    },
    async fault(fault: Record<string, unknown>) {
      const response = await fetch(`${gateway.url}/faults`, {
        method: 'PUT',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(fault),
      })
      expect(response.status).toBe(200)
    },
    async healthy() {
      await fetch(`${gateway.url}/faults`, { method: 'DELETE' })
    },
    /** The database's clock jumps; nothing is swept yet. */
    setClockAhead: moveClock,
    /** Time passes in steps, with the sweeps that belong to it. */
    async pass(durationMs: number, stepMs = 15_000) {
      // What is under way belongs to the time before.
      await sweep()
      for (let passedMs = 0; passedMs < durationMs; passedMs += stepMs) {
        await moveClock(Math.min(stepMs, durationMs - passedMs))
        await sweep()
      }
    },
    async incidents() {
      const { rows } = await pool.query<{ state: Incident }>(
        'select state from incident order by opened_at, incident_id',
      )
      return rows.map(({ state }) => state)
    },
    async outboxRows() {
      const { rows } = await pool.query<OutboxRow>(
        'select outbox_id, status, attempts, error_code, purpose, recipient from outbox order by created_at, outbox_id',
      )
      return rows
    },
    async duplicates() {
      const { rows } = await pool.query<{ cause: string; count: number }>('select cause, count from outbox_duplicate')
      return rows
    },
    unexpected,
    /** Nobody says anything more, and nothing is left to send. */
    async expectSilence() {
      await sweep()
      expect(await unexpected()).toEqual([])
    },
    async end({ anyMessage = false } = {}) {
      const left = anyMessage ? [] : await unexpected()
      const ending = platform
      // A test that failed may have left something in hand that never ends.
      const limit = sleep(WAIT.timeout, false, { ref: false })
      const stopped = ending === null || (await Promise.race([stop().then(() => true), limit]))
      if (!stopped) ending.die()
      await gateway.close()
      await webhooks.close()
      await database.close()
      expect(stopped, 'the platform ends').toBe(true)
      expect(left, 'messages that the story did not expect').toEqual([])
    },
  }
}
