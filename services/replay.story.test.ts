import { afterEach, beforeEach, expect, test } from 'vitest'
import { HOME, OTHER_HOME } from './notify/testing/community.ts'
import { beginLife, press, type ReplayLife } from './testing/replay-life.ts'

let life: ReplayLife
beforeEach(async () => {
  life = await beginLife()
})
afterEach(() => life.end({ anyMessage: true }))

/** Before its first commit somebody else does the same work; `lost` is told what became of it. */
function losingOnce<Asked extends unknown[], Committed>(
  commit: (...asked: Asked) => Promise<Committed>,
  somebodyElse: () => Promise<void>,
  lost: boolean[],
) {
  let first = true
  return async (...asked: Asked): Promise<Committed> => {
    if (!first) return commit(...asked)
    first = false
    await somebodyElse()
    const committed = await commit(...asked)
    lost.push(!committed)
    return committed
  }
}

/** The gateway posts the reply without being waited for. */
async function daughterAnswers(): Promise<void> {
  await life.answer('daughter', '1')
  const applied = "select 1 from incident_input where body->>'type' = 'Acknowledge' and applied_at is not null"
  await expect.poll(async () => (await life.pool.query(applied)).rowCount).toBeGreaterThan(0)
}

/** Presses, duplicates, unreadable bytes, timers, replies, receipts, two workers, lost races, settings, a kill, a jump. */
async function liveThroughMuch(): Promise<void> {
  const { incidents } = life.ports()
  const other = await life.startEscalation('https://elsewhere.example')
  const otherRules = await life.startRules()
  const lost: boolean[] = []
  const commit = losingOnce(incidents.commit, () => other.onHint(HOME), lost)
  await life.start(() => ({ incidents: { ...incidents, commit } }))
  const rules = await life.startRules((store) => ({
    ...store,
    commit: losingOnce(store.commit, otherRules.processAll, lost),
  }))
  await life.say(press(HOME, '1'), { ...press(HOME, '1'), dup: true }, press(OTHER_HOME, '1'))
  await life.say({ homeId: HOME, deviceId: 'sleep-bed', channel: 'telemetry', payload: 'not json' })
  await rules.processAll()
  await life.running().escalation.onHint(HOME)
  await life.sweep()
  expect(lost).toEqual([true, true])
  // The next step of both homes is due; then the daughter takes one of them.
  await life.pass(45_000, 5_000)
  await daughterAnswers()
  await life.sweep()

  // Two of each at once, on the same homes.
  await life.say(...Array.from({ length: 20 }, (_, n) => press(n % 2 === 0 ? HOME : OTHER_HOME, `a${n}`)))
  await Promise.all([rules.processAll(), otherRules.processAll()])
  await Promise.all(
    [HOME, OTHER_HOME, HOME].flatMap((home) => [life.running().escalation.onHint(home), other.onHint(home)]),
  )
  await life.sweep()
  await other.close()
  await otherRules.close()

  await life.pool.query(
    `update home set settings = '{"bedWarningMinutes": 20}', test_mode_until = platform_now() where home_id = $1`,
    [HOME],
  )
  await life.pool.query("update contact set removed_at = platform_now() where contact_id = 'c2'")
  await life.say({
    homeId: HOME,
    deviceId: 'smoke-kitchen',
    channel: 'event',
    payload: '{"kind":"smoke","state":"alarm"}',
  })
  await life.say({ homeId: HOME, deviceId: 'gateway', channel: 'status', payload: '{"state":"offline"}' })
  await rules.processAll()

  // Killed with an alarm on its way; another process goes on.
  life.kill()
  await rules.close()
  await life.start()
  const after = await life.startRules()
  await life.sweep()
  await life.pass(30_000, 5_000)
  await life.fault({ mode: 'reject' })
  // The clock jumps: the supervision's timers move along, the escalation's fire.
  await after.processAll()
  await life.setClockAhead(3_600_000)
  await after.processAll()
  await life.sweep()
  await life.healthy()
  await life.say(press(OTHER_HOME, 'last'))
  await after.processAll()
  await life.sweep()
  await after.close()
}

/** What a record must hold before its replay says anything. */
async function whatHappened(): Promise<string[]> {
  const { rows } = await life.pool.query<{ what: string }>(`
    select distinct body->>'type' as what from home_input
    union select distinct body->>'type' from incident_input
    union select distinct coalesce(result->>'type', 'no result') from incident_input
    union select distinct code from log_rejection
    union select distinct public_url from escalation_pass`)
  return rows.map(({ what }) => what)
}

test('much happens, some of it to two workers at once and through a kill; replayed it is the same', async () => {
  await liveThroughMuch()
  const report = await life.replay()
  expect(report.differences).toEqual([])
  expect(report.counts).toMatchObject({ homes: 2, rows: 27 })
  const { signals, passes, incidents, messages } = report.counts
  expect([signals >= 20, passes >= 20, incidents >= 4, messages >= 10]).toEqual([true, true, true, true])
  const record = ['facts', 'timers', 'clock-jump', 'duplicate', 'not-json', 'SignalReceived', 'TimerFired']
  const answers = ['Acknowledge', 'MessageAccepted', 'MessageDelivered', 'MessageFailed', 'accepted']
  const links = ['https://anlin.example', 'https://elsewhere.example']
  expect(await whatHappened()).toEqual(expect.arrayContaining([...record, ...answers, ...links]))
}, 60_000)

test('what was changed on the record is found, and said where, without a word of it', async () => {
  await life.start()
  const rules = await life.startRules()
  await life.say(press(HOME, '1'), press(OTHER_HOME, '1'))
  await rules.processAll()
  await life.running().escalation.onHint(HOME)
  await life.running().escalation.onHint(OTHER_HOME)
  await life.sweep()
  await daughterAnswers()
  await life.sweep()
  await rules.close()
  expect((await life.replay()).differences).toEqual([])

  const { pool, sealing } = life
  const message = await pool.query<{ id: string }>(
    `update outbox set body_sealed = $1 where home_id = $2 and purpose = 'alarm' returning outbox_id as id`,
    [sealing.seal('something else'), HOME],
  )
  await pool.query(`update incident set state = jsonb_set(state, '{raisedCount}', '7') where home_id = $1`, [HOME])
  await pool.query(`update incident_input set result = '{"type":"other"}' where body->>'type' = 'Acknowledge'`)
  await pool.query('delete from outbox where home_id = $1 and outbox_id like $2', [OTHER_HOME, `${OTHER_HOME}%`])
  const story = `select home_id, incident_id, 99, at, type, body from incident_event where home_id = $1 limit 1`
  await pool.query(`insert into incident_event ${story}`, [OTHER_HOME])
  const { differences } = await life.replay()
  const lines = differences.map(({ homeId, what, id, detail }) => [homeId, what, id, detail].join(' '))
  expect(lines).toEqual(
    expect.arrayContaining([
      `${HOME} message ${message.rows[0]?.id} differs at body`,
      expect.stringMatching(`^${HOME} incident ${HOME}.[0-9]+ differs at raisedCount$`),
      expect.stringMatching('answer [0-9]+ differs at result.type$'),
      expect.stringMatching(`^${OTHER_HOME} message ${OTHER_HOME}.* not in the outbox$`),
      expect.stringMatching(`^${OTHER_HOME} event all [0-9]+ on record, [0-9]+ replayed$`),
    ]),
  )
  expect(lines.join()).not.toMatch(/Chen|something else/)
})
