import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { homesToAdvance, INCIDENT_KINDS, SEVERITIES, type Signal } from '../core/signal.ts'
import { HOME } from '../notify/testing/community.ts'
import type { Ports } from '../notify/testing/real-ports.ts'
import { writeSignal } from '../notify/testing/signals.ts'
import { beginStory, type Story } from '../notify/testing/story.ts'
import type { RaisedInput } from '../ports.ts'
import { createHome } from '../store/postgres/homes.ts'

/** More than one sweep takes of them, and of homes altogether. */
const DISTRICT_HOMES = 260
/** As long as an input waits before a sweep takes it. */
const WITHOUT_HINT_MS = 260

let story: Story
beforeEach(async () => {
  story = await beginStory()
})
afterEach(() => story.end())

/** The homes of which a pass was committed, in that order, and how many commits were under way at once. */
function recordingPasses() {
  const passed: string[] = []
  const atOnce = { now: 0, most: 0 }
  const change = ({ incidents }: Ports): Partial<Ports> => ({
    incidents: {
      ...incidents,
      async commit(commit, claim) {
        atOnce.now += 1
        atOnce.most = Math.max(atOnce.most, atOnce.now)
        const claimed = await incidents.commit(commit, claim)
        atOnce.now -= 1
        if (claimed !== null) passed.push(commit.homeId)
        return claimed
      },
    },
  })
  return { passed, atOnce, change }
}

/** The power fails in a district, and every home there loses its gateway in the same second. */
async function loseGateways(): Promise<RaisedInput[]> {
  const lost: RaisedInput[] = []
  for (let number = 0; number < DISTRICT_HOMES; number += 1) {
    const homeId = `district-${number}`
    const home = { homeId, gridCellId: 'cell-1', label: homeId, language: 'en', timeZone: 'Asia/Shanghai' } as const
    await createHome(story.pool, story.sealing, home)
    lost.push(
      await writeSignal(story.pool, homeId, {
        kind: 'technical',
        severity: 'technical',
        subject: 'gateway:lost',
        why: { code: 'gateway-lost', values: { devices: 5, minutes: 3 } },
      }),
    )
  }
  return lost
}

test('an alarm stands in no line with gateways that were lost before it; the sweeps take those, a few at a time', async () => {
  const { passed, atOnce, change } = recordingPasses()
  await story.start(change)
  const { escalation } = story.running()
  escalation.take(await loseGateways())
  escalation.take([await writeSignal(story.pool, HOME, {})])
  await story.expectSms('daughter', /^EMERGENCY/)
  expect(passed).toEqual([HOME])
  await sleep(WITHOUT_HINT_MS)
  atOnce.most = 0
  await escalation.sweep()
  expect(atOnce.most).toBeLessThanOrEqual(2)
  const swept = passed.filter((homeId) => homeId !== HOME)
  expect(swept.length).toBeGreaterThan(0)
  expect(swept.length).toBeLessThanOrEqual(50)
  await story.sweep()
  expect(await story.incidents()).toHaveLength(DISTRICT_HOMES + 1)
})

test('an alarm that lost its hint is swept before all the gateways that were lost before it', async () => {
  const { passed, change } = recordingPasses()
  await story.start(change)
  await loseGateways()
  await story.signal({}, { hinted: false })
  await sleep(WITHOUT_HINT_MS)
  await story.running().escalation.sweep()
  expect(passed[0]).toBe(HOME)
  await story.expectSms('daughter', /^EMERGENCY/)
  await story.sweep()
})

test('a technical fault that people are told of at once, as a warning, waits for no sweep', async () => {
  await story.start()
  const fault = {
    kind: 'technical',
    subject: 'sos-bath:battery',
    why: { code: 'battery-critical', values: {} },
  } as const
  const { escalation } = story.running()
  escalation.take([await writeSignal(story.pool, HOME, { ...fault, severity: 'warning' })])
  await escalation.drain()
  expect(await story.incidents()).toHaveLength(1)
  escalation.take([await writeSignal(story.pool, HOME, { ...fault, type: 'ConditionReturned' })])
  await escalation.drain()
  const { rows } = await story.pool.query(
    "select input_id from incident_input where applied_at is null and body ->> 'type' = 'SignalReceived'",
  )
  expect(rows).toHaveLength(1)
  await story.expectSms('daughter', /battery/i)
  await story.sweep()
})

test('technical homes whose passes fail keep no other of them waiting', async () => {
  await story.start(({ incidents }) => ({
    incidents: {
      ...incidents,
      readHome: (homeId) =>
        homeId === HOME ? incidents.readHome(homeId) : Promise.reject(new Error('cannot be read')),
    },
  }))
  const lost = { kind: 'technical', severity: 'technical', why: { code: 'gateway-lost', values: {} } } as const
  for (let number = 0; number < 60; number += 1) await writeSignal(story.pool, `failing-${number}`, lost)
  await writeSignal(story.pool, HOME, lost)
  await sleep(WITHOUT_HINT_MS)
  for (let sweeps = 0; sweeps < 20; sweeps += 1) await story.running().escalation.sweep()
  expect((await story.incidents()).map(({ kind }) => kind)).toEqual(['technical'])
})

test('the sweep leaves for last what is given no hint, and nothing else', async () => {
  const types = ['ConditionRaised', 'ConditionReturned', 'ConditionCancelled'] as const
  const shapes = types.flatMap((type) =>
    INCIDENT_KINDS.flatMap((kind) =>
      (type === 'ConditionRaised' ? SEVERITIES : [undefined]).map((severity) => ({ type, kind, severity })),
    ),
  )
  const written: RaisedInput[] = []
  for (const [number, shape] of shapes.entries()) {
    written.push(await writeSignal(story.pool, `shape-${number}`, shape as Partial<Signal>))
  }
  const { incidents } = story.ports()
  const due = await incidents.dueHomes({ steadyNowMs: 0, waitedMs: 0, limit: 200 })
  expect(due).toHaveLength(shapes.length)
  const urgent = due.filter(({ onlyTechnical }) => !onlyTechnical).map(({ homeId }) => homeId)
  expect(urgent.toSorted()).toEqual([...homesToAdvance(written)].toSorted())
})
