import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { HOME, OTHER_HOME } from './notify/testing/community.ts'
import { beginLife, type ReplayLife, type Said } from './testing/replay-life.ts'

let life: ReplayLife
beforeAll(async () => {
  life = await beginLife()
})
afterAll(() => life.end({ anyMessage: true }))

const homeId = fc.constantFrom(HOME, OTHER_HOME)
const id = fc.integer({ min: 1, max: 4 }).map(String)
const said: fc.Arbitrary<Said> = fc.oneof(
  fc.record({
    homeId,
    deviceId: fc.constantFrom('sos-bath', 'smoke-kitchen'),
    channel: fc.constant('event' as const),
    payload: fc
      .record({
        id,
        kind: fc.constantFrom('sos', 'smoke'),
        state: fc.constantFrom('pressed', 'cancelled', 'alarm', 'cleared'),
      })
      .map((body) => JSON.stringify(body)),
    dup: fc.boolean(),
  }),
  fc.record({
    homeId,
    deviceId: fc.constant('sleep-bed'),
    channel: fc.constant('telemetry' as const),
    payload: fc
      .record({
        heartRatePerMin: fc.integer({ min: 20, max: 200 }),
        bedOccupied: fc.boolean(),
        signalQuality: fc.constant(1),
      })
      .map((body) => JSON.stringify(body)),
  }),
  fc.record({
    homeId,
    deviceId: fc.constantFrom('gateway', 'sos-bath', 'nobody'),
    channel: fc.constant('status' as const),
    payload: fc.constantFrom('{"state":"offline"}', '{"state":"online","batteryPercent":4}', 'not json', ''),
  }),
)

const act = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ act: fc.constant('say' as const), said: fc.array(said, { minLength: 1, maxLength: 5 }) }),
  },
  { weight: 2, arbitrary: fc.record({ act: fc.constant('pass' as const), ms: fc.constantFrom(3_000, 9_000, 60_000) }) },
  { weight: 1, arbitrary: fc.record({ act: fc.constant('jump' as const), ms: fc.constantFrom(-3_600_000, 700_000) }) },
  {
    weight: 2,
    arbitrary: fc.record({ act: fc.constant('answer' as const), word: fc.constantFrom('1' as const, '2' as const) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ act: fc.constant('settings' as const), homeId, minutes: fc.integer({ min: 5, max: 30 }) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ act: fc.constantFrom('restart' as const, 'both' as const, 'resolve' as const) }),
  },
)
type Act = typeof act extends fc.Arbitrary<infer One> ? One : never

/** One life in random steps, with the real services; whatever it was, its record gives it again. */
test('any life, replayed, is the same', async () => {
  await life.start()
  let rules = await life.startRules()
  const other = await life.startEscalation('https://elsewhere.example')
  const otherRules = await life.startRules()

  async function take(one: Act): Promise<void> {
    switch (one.act) {
      case 'say':
        await life.say(...one.said)
        await rules.sweep()
        break
      case 'pass':
        await life.setClockAhead(one.ms)
        await rules.processAll()
        await life.running().escalation.sweep()
        break
      case 'jump':
        await life.setClockAhead(one.ms)
        break
      case 'answer':
        await life.sweep()
        await life.answer('daughter', one.word)
        break
      case 'settings': {
        const settings = { bedWarningMinutes: one.minutes }
        await life.pool.query('update home set settings = $2 where home_id = $1', [one.homeId, settings])
        break
      }
      case 'restart':
        life.kill()
        await life.start()
        await rules.close()
        rules = await life.startRules()
        break
      case 'resolve':
        await life.resolveAll()
        break
      case 'both':
        await Promise.all([rules.sweep(), otherRules.sweep(), other.sweep(), life.running().escalation.sweep()])
        break
    }
  }

  const property = fc.asyncProperty(fc.array(act, { minLength: 10, maxLength: 30 }), async (acts) => {
    for (const one of acts) await take(one)
    await rules.processAll()
    await life.sweep()
    expect((await life.replay()).differences).toEqual([])
  })
  await fc.assert(property, { numRuns: 10, endOnFailure: true })
  const { counts } = await life.replay()
  // Otherwise this says nothing.
  expect(Math.min(counts.rows, counts.signals, counts.passes, counts.messages)).toBeGreaterThan(10)
  await other.close()
  await Promise.all([rules.close(), otherRules.close()])
}, 120_000)
