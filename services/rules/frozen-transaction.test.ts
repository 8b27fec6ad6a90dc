import { expect, test } from 'vitest'
import { logHintKey } from '../core/log-hint.ts'
import { shardOf } from '../core/shard.ts'
import { HOME, OTHER_HOME } from '../notify/testing/community.ts'
import { machineClock, silent, uncounted } from '../notify/testing/quiet-ports.ts'
import { errorCode } from '../store/postgres/pool.ts'
import { startSweeping } from '../sweep.ts'
import { beginLife, press } from '../testing/replay-life.ts'

const REACHED_WITHIN_MS = 5_000
/** SQLSTATE of a transaction that stood idle for too long; one that was open for too long has another. */
const IDLE_IN_TRANSACTION = '25P03'

test('a worker frozen inside its writing transaction: the press of another home is on a phone within 5 s', async () => {
  const life = await beginLife()
  const { escalation, notify } = await life.start()
  let hidden = 0
  const rules = await life.startRules(
    (inner) => ({
      ...inner,
      async readHomeRows(asked) {
        const read = await inner.readHomeRows(asked)
        hidden += read.hiddenHomes.size
        return read
      },
      async readUnread(asked) {
        const read = await inner.readUnread(asked)
        hidden += read.hidden.length
        return read
      },
    }),
    escalation,
  )
  // A connection opened as every role's are; then it does nothing more, as a frozen process does.
  const held = await life.pool.connect()
  const ends: string[] = []
  held.on('error', (error) => ends.push(errorCode(error)))
  const swept = [rules, escalation, notify].map(({ sweep }, at) => ({ role: `${at}`, sweep }))
  const sweeper = startSweeping(swept, { clock: machineClock, log: silent, metrics: uncounted })
  await held.query('begin')
  await held.query("insert into change (kind, home_id, ref) values ('home', $1, '')", [OTHER_HOME])

  const pressedAtMs = Date.now()
  await life.say(press(HOME, 'press'))
  void rules.onHint(logHintKey({ shard: shardOf(HOME), homeId: HOME }))
  await life.expectSms('daughter', /^EMERGENCY/)
  // Without these two this test would show nothing.
  expect(hidden).toBeGreaterThan(0)
  expect(ends[0]).toBe(IDLE_IN_TRANSACTION)
  const [message] = await life.phone('daughter')
  expect(Date.parse(message?.at ?? '') - pressedAtMs).toBeLessThan(REACHED_WITHIN_MS)

  await sweeper.close()
  await rules.close()
  held.release(new Error('frozen'))
  await life.end()
})
