import { decoder } from '../../devices/index.ts'
import { machineClock } from '../clock.ts'
import { Hush } from '../core/hush.ts'
import { openReport, type ReplayReport } from '../core/replay/report.ts'
import { SHARDS, shardOf } from '../core/shard.ts'
import { type Escalation, startEscalation } from '../escalation/escalation.ts'
import { HOME, OTHER_HOME, type Person } from '../notify/testing/community.ts'
import { beginStory } from '../notify/testing/story.ts'
import type { FoldStore, SignalTaker } from '../ports.ts'
import { replayHomes } from '../replay-homes.ts'
import { replayIncidents } from '../replay-incidents.ts'
import { createCoreFold } from '../rules/core-fold.ts'
import { type RulesWorker, startRules } from '../rules/rules.ts'
import { createFoldStore } from '../store/postgres/fold-store.ts'
import { createDevice } from '../store/postgres/homes.ts'
import { linkToken } from '../store/postgres/incident-links.ts'
import { createLogAppend } from '../store/postgres/log-append.ts'

const silent = { info() {}, warn() {}, error() {}, debug() {} }
const uncounted = { count() {}, gauge() {}, observe() {} }

export type Said = {
  homeId: string
  deviceId: string
  channel: 'event' | 'telemetry' | 'status'
  payload: string
  dup?: boolean
}
export type ReplayLife = Awaited<ReturnType<typeof beginLife>>

export function press(homeId: string, id: string): Said {
  return {
    homeId,
    deviceId: 'sos-bath',
    channel: 'event',
    payload: JSON.stringify({ id, kind: 'sos', state: 'pressed' }),
  }
}

/** The community of the stories with devices in its homes and with the rules: everything between the log and a phone. */
export async function beginLife() {
  const story = await beginStory()
  const { pool, sealing } = story
  const logAppend = createLogAppend(pool)
  for (const homeId of [HOME, OTHER_HOME]) {
    const place = (deviceId: string, kind: Parameters<typeof createDevice>[2]['kind'], gatewayId: string | null) =>
      createDevice(pool, sealing, { homeId, deviceId, kind, room: 'bathroom', gatewayId })
    await place('gateway', 'gateway', null)
    await place('sos-bath', 'sos-button', null)
    await place('smoke-kitchen', 'smoke-detector', 'gateway')
    await place('sleep-bed', 'sleep-monitor', 'gateway')
  }
  return {
    ...story,
    /** A worker of the rules; without an `escalation` in its process nobody hears of its signals but the sweeps. */
    startRules(
      change: (store: FoldStore) => FoldStore = (store) => store,
      escalation: SignalTaker | null = null,
    ): Promise<RulesWorker> {
      return startRules({
        store: change(createFoldStore(pool)),
        fold: createCoreFold(decoder),
        decoded: null,
        escalation,
        hush: new Hush(),
        shards: SHARDS,
        hints: { hint: () => undefined },
        clock: machineClock,
        log: silent,
        metrics: uncounted,
      })
    },
    /** One more worker of the escalation, reached by people under another address. */
    startEscalation(publicUrl: string): Promise<Escalation> {
      return startEscalation({
        hush: new Hush(),
        incidents: story.ports().incidents,
        hints: { hint: () => undefined },
        clock: machineClock,
        log: silent,
        metrics: uncounted,
        publicUrl,
        linkToken: (outboxId) => linkToken(sealing, outboxId),
      })
    },
    /** As ingest would write it; one statement. */
    async say(...messages: Said[]): Promise<void> {
      await logAppend.append(
        messages.map(({ homeId, deviceId, channel, payload, dup }) => ({
          shard: shardOf(homeId),
          lane: channel === 'event' ? (0 as const) : (1 as const),
          homeId,
          account: `${homeId}.${deviceId}`,
          flags: dup ? 5 : 1,
          packetId: 1,
          topic: `care/v1/${homeId}/${deviceId}/${channel}`,
          payload: Buffer.from(payload),
          rejected: null,
        })),
      )
    },
    /** Answers the newest message to this person that asks for an answer. */
    async answer(person: Person, word: '1' | '2'): Promise<void> {
      const codes = (await story.phone(person)).flatMap(({ body }) => /Reply 1 (\d\d)\b/.exec(body)?.[1] ?? [])
      await story.reply(person, `${word} ${codes.at(-1)}`)
    },
    /** The social worker closes whatever is open. */
    async resolveAll(): Promise<void> {
      for (const { id, homeId, status } of await story.incidents()) {
        const by = await story.ports().incidents.findResponder(homeId, 'user:u1')
        if (status === 'resolved' || !by) continue
        const how = { outcome: 'false-alarm', note: 'The button slipped', personSeenOrHeard: true } as const
        await story.running().escalation.submit(homeId, id, { type: 'Resolve', by, ...how })
      }
    },
    async replay(asked: { homeId?: string; from?: string } = {}): Promise<ReplayReport> {
      const report = openReport()
      const { homeId = null, from = null } = asked
      await replayHomes({ database: pool, fold: createCoreFold(decoder), report }, { homeId, from })
      await replayIncidents({ database: pool, sealing, report }, { homeId })
      return report
    },
  }
}
