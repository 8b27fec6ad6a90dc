import { afterEach, beforeEach, expect, test } from 'vitest'
import { HOME } from './notify/testing/community.ts'
import { beginLife, type ReplayLife } from './testing/replay-life.ts'

const MINUTE_MS = 60_000

let life: ReplayLife
beforeEach(async () => {
  life = await beginLife()
})
afterEach(() => life.end({ anyMessage: true }))

async function gatewayIncidents() {
  const incidents = await life.incidents()
  return incidents.filter(({ homeId, subject }) => homeId === HOME && subject === 'gateway:lost')
}

/** Until the moment of the downtime the gateway has spoken; then nobody is there for half an hour. */
async function liveAndBeAway(): Promise<void> {
  await life.start()
  const before = await life.startRules()
  await life.say({ homeId: HOME, deviceId: 'gateway', channel: 'status', payload: '{"state":"online"}' })
  await before.processAll()
  await before.close()
  life.kill()
  await life.setClockAhead(30 * MINUTE_MS)
}

test('after half an hour of downtime no gateway is called lost for it, and one that stays silent still is', async () => {
  await liveAndBeAway()
  await life.pool.query("update entrance_watch set heard_until = heard_until - interval '30 minutes'")
  await life.start()
  const rules = await life.startRules()
  await rules.processAll()
  await life.sweep()
  expect(await gatewayIncidents()).toEqual([])

  await life.setClockAhead(5 * MINUTE_MS)
  const later = await life.startRules()
  await later.processAll()
  await life.sweep()
  expect(await gatewayIncidents()).toHaveLength(1)
  expect((await life.replay()).differences).toEqual([])
  await rules.close()
  await later.close()
})

test('while an entrance was open, half an hour without a word is the gateway’s own', async () => {
  await liveAndBeAway()
  await life.start()
  const rules = await life.startRules()
  await rules.processAll()
  await life.sweep()
  expect(await gatewayIncidents()).toHaveLength(1)
  await rules.close()
})
