import { afterEach, beforeEach, expect, test } from 'vitest'
import { HOME } from '../notify/testing/community.ts'
import { writeSignal } from '../notify/testing/signals.ts'
import type { FoldCommit } from '../ports.ts'
import { type BesideRules, startEscalationBesideRules, startRulesBesideEscalation } from '../testing/joint-life.ts'
import { beginAndHold } from '../testing/postgres.ts'
import { beginLife, press, type ReplayLife } from '../testing/replay-life.ts'

let life: ReplayLife
beforeEach(async () => {
  life = await beginLife()
})
afterEach(() => life.end({ anyMessage: true }))

const SMOKE = { kind: 'smoke', why: { code: 'smoke-alarm', values: {} } } as const

const startTogether = (meanwhile?: () => Promise<unknown>, first?: (fold: FoldCommit) => FoldCommit) =>
  startRulesBesideEscalation(life, meanwhile, first)

/** As the entrance of the same process tells it. `isRead`: its home is read by then, however long that took. */
async function pressBeside({ rules, read }: BesideRules, id: string, { isRead } = { isRead: true }): Promise<void> {
  rules.fresh.expect([HOME])
  if (isRead) await read
  await life.say(press(HOME, id))
  await rules.processAll()
}

/** The home's inputs that are signals: in which transaction they, their pass and the home's state were written. */
async function writtenIn(): Promise<{ input: string; pass: string | null; state: string }[]> {
  const { rows } = await life.pool.query<{ input: string; pass: string | null; state: string }>(
    `select i.xmin::text as input, p.xmin::text as pass, s.xmin::text as state from incident_input i
     left join escalation_pass p on p.home_id = i.home_id and p.pass = i.applied_pass
     join home_state s on s.home_id = i.home_id
     where i.home_id = $1 and i.body ->> 'type' = 'SignalReceived' order by i.input_id`,
    [HOME],
  )
  return rows
}

/** How many critical messages it would take at once now. */
function roomOfTheSender(): number | undefined {
  const reservation = life.running().notify.reserve(1_000)
  reservation?.send({ nowMs: 0, messages: [] })
  return reservation?.room
}

async function expectTheRecordToBeReplayed(): Promise<void> {
  const report = await life.replay()
  expect(report.differences).toEqual([])
  expect(report.counts.signals).toBeGreaterThan(0)
}

test('an alarm and what is done of it are one commit, and replayed they are the same', async () => {
  const together = await startTogether()
  const { rules, stood } = together
  await pressBeside(together, '1')
  await life.expectSms('daughter', /^EMERGENCY/)
  expect(stood).toEqual([true])
  const [written] = await writtenIn()
  expect(written?.pass).toBe(written?.input)
  expect(written?.state).toBe(written?.input)
  // Receipts of the first message may come in between: then the second goes the longer way.
  await pressBeside(together, '2')
  await life.expectSilence()
  const [incident] = await life.incidents()
  expect([await life.incidents(), incident?.raisedCount]).toEqual([[incident], 2])
  await rules.close()
  await expectTheRecordToBeReplayed()
})

test('a home that nobody expected has its alarm told all the same', async () => {
  const { rules, stood } = await startTogether()
  await life.say(press(HOME, '1'))
  await rules.processAll()
  await life.expectSms('daughter', /^EMERGENCY/)
  expect(stood).toEqual([])
  await rules.close()
})

test('who folded the home’s incidents meanwhile is found out: nothing stands by half, and the alarm is told after', async () => {
  const together = await startTogether(async () => {
    const other = await life.startEscalation('https://elsewhere.example')
    await writeSignal(life.pool, HOME, SMOKE)
    await other.onHint(HOME)
    await other.close()
  })
  const { rules, stood } = together
  await pressBeside(together, '1')
  await life.sweep()
  expect(stood).toEqual([false])
  expect((await life.incidents()).map(({ kind }) => kind)).toEqual(['smoke', 'sos'])
  await life.expectSms('daughter', /^EMERGENCY/)
  await rules.close()
})

test('what was written meanwhile and folded by nobody is folded before it: a home’s inputs are numbered in their order', async () => {
  const together = await startTogether(() => writeSignal(life.pool, HOME, SMOKE))
  const { rules, stood } = together
  await pressBeside(together, '1')
  await life.sweep()
  expect(stood).toEqual([false])
  expect((await life.incidents()).map(({ kind }) => kind).sort()).toEqual(['smoke', 'sos'])
  const { rows } = await life.pool.query<{ kind: string }>(
    "select body #>> '{signal,kind}' as kind from incident_input where body ->> 'type' = 'SignalReceived' order by input_id",
  )
  expect(rows.map(({ kind }) => kind)).toEqual(['smoke', 'sos'])
  await rules.close()
})

test('another worker of the rules was faster: one incident, told once', async () => {
  const other = await life.startRules()
  const together = await startTogether(() => other.processAll())
  const { rules, stood } = together
  await pressBeside(together, '1')
  await life.sweep()
  expect(stood).toEqual([false])
  expect(await life.incidents()).toHaveLength(1)
  await life.expectSms('daughter', /^EMERGENCY/)
  await life.expectSilence()
  await rules.close()
  await other.close()
  await expectTheRecordToBeReplayed()
})

test('what was written before it and committed after the home was read is folded before it', async () => {
  const earlier = await life.pool.connect()
  await beginAndHold(earlier)
  const { rows } = await earlier.query<{ now: number }>('select platform_now() as now')
  const signal = {
    ...SMOKE,
    type: 'ConditionRaised',
    subject: '',
    deviceId: 'smoke-kitchen',
    deviceKind: 'smoke-detector',
  }
  const when = { at: rows[0]?.now, receivedAt: rows[0]?.now, room: 'kitchen', severity: 'critical', test: false }
  await earlier.query('insert into incident_input (home_id, body) values ($1, $2)', [
    HOME,
    { type: 'SignalReceived', signal: { ...signal, ...when } },
  ])
  const { rules, stood, read } = await startTogether()
  rules.fresh.expect([HOME])
  await read
  await life.say(press(HOME, '1'))
  await earlier.query('commit')
  await rules.processAll()
  await life.sweep()
  earlier.release()
  expect(stood).toEqual([false])
  expect((await life.incidents()).map(({ kind }) => kind)).toEqual(['smoke', 'sos'])
  await rules.close()
})

/**
 * As it would be if somebody else had folded since. Of all versions: a pass of the shard has both, one of the alarm lane,
 * which any open transaction of the cluster may bring about, only its home's.
 */
function readTooEarly(fold: FoldCommit): FoldCommit {
  return {
    ...fold,
    cursors: fold.cursors.map((cursor) => ({ ...cursor, version: cursor.version + 1 })),
    homes: fold.homes.map((home) => ({ ...home, readVersion: home.readVersion + 1 })),
  }
}

test('its fold has lost its race: nothing of the pass stands, and the alarm is told once', async () => {
  const together = await startTogether(undefined, readTooEarly)
  const { rules, stood, stoodAlone } = together
  const room = roomOfTheSender()
  await pressBeside(together, '1')
  await life.sweep()
  expect(roomOfTheSender()).toBe(room)
  expect([stood[0], stoodAlone]).toEqual([false, [false]])
  await life.expectSms('daughter', /^EMERGENCY/)
  await life.expectSilence()
  expect(await life.incidents()).toHaveLength(1)
  expect(await writtenIn()).toHaveLength(1)
  await rules.close()
  await expectTheRecordToBeReplayed()
})

test.each([true, false])(
  'nobody knows whether it was written (it was: %s): the alarm is told once',
  async (isWritten) => {
    let unknown = 0
    const together = await startEscalationBesideRules(life, (incidents) => ({
      async commitWithFold(...asked) {
        if (unknown++ > 0) return incidents.commitWithFold(...asked)
        if (isWritten) await incidents.commitWithFold(...asked)
        throw new Error('the connection was lost')
      },
    }))
    const { rules } = together
    await pressBeside(together, '1').catch(() => undefined)
    await rules.processAll()
    await life.sweep()
    await life.expectSms('daughter', /^EMERGENCY/)
    await life.expectSilence()
    expect(unknown).toBe(1)
    expect(await life.duplicates()).toEqual([])
    expect(await life.incidents()).toHaveLength(1)
    await rules.close()
    await expectTheRecordToBeReplayed()
  },
)

test('the home cannot be read in time: neither the fold nor the alarm waits for it', async () => {
  const slow = Promise.withResolvers<void>()
  const together = await startEscalationBesideRules(life, (incidents) => ({
    async readHome(homeId, drawIds) {
      if (drawIds) await slow.promise
      return incidents.readHome(homeId, drawIds)
    },
  }))
  await pressBeside(together, '1', { isRead: false })
  await life.expectSms('daughter', /^EMERGENCY/).finally(slow.resolve)
  const [written] = await writtenIn()
  expect(written?.pass).toEqual(expect.any(String))
  expect(written?.state).not.toBe(written?.pass)
  await together.rules.close()
})

test('an incident that the database refuses keeps the fold of nobody, its own home’s included', async () => {
  const together = await startTogether()
  const { rules, stood } = together
  await life.pool.query("alter table incident add constraint no_sos check (kind <> 'sos') not valid")
  await pressBeside(together, '1')
  expect(stood).toEqual([false])
  expect(await writtenIn()).toEqual([expect.objectContaining({ pass: null })])
  await life.pool.query('alter table incident drop constraint no_sos')
  await life.sweep()
  await life.expectSms('daughter', /^EMERGENCY/)
  await rules.close()
})
