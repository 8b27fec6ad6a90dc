import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Bench, openBench } from './testing/bench.ts'
import { HOME } from './testing/community.ts'

/** What a neighbour with a key can say on the page behind the link, who has no login and no other page. */

let bench: Bench
beforeAll(async () => {
  bench = await openBench()
})
afterAll(() => bench.close())

const headers = { 'content-type': 'application/x-www-form-urlencoded' }
const buttonsOf = (page: string) => [...page.matchAll(/<button[^>]* value="([^"]+)"/g)].map(([, say]) => say)

async function linkOf(incidentId: string, recipient = 'contact:c1') {
  const { rows } = await bench.pool.query<{ outbox_id: string }>(
    "select outbox_id from outbox where incident_id = $1 and recipient = $2 and purpose = 'alarm'",
    [incidentId, recipient],
  )
  const url = `/a/${bench.tokenOf(rows[0]?.outbox_id ?? '')}`
  return {
    look: async () => (await bench.app.inject({ url })).body,
    /** As a browser: what was taken in is answered with how it stands now, so that a reload says nothing again. */
    async say(payload: string) {
      const answer = await bench.app.inject({ method: 'POST', url, headers, payload })
      if (answer.statusCode !== 303) return answer
      expect(answer.headers.location).toBe(url)
      return bench.app.inject({ url })
    },
  }
}

async function stateOf(incidentId: string) {
  const { rows } = await bench.pool.query<{ state: Record<string, never> }>(
    'select state from incident where incident_id = $1',
    [incidentId],
  )
  return rows[0]?.state
}

async function timelineOf(incidentId: string): Promise<string[]> {
  const cookie = await bench.signIn('admin')
  const { body } = await bench.ask(cookie, 'GET', `/api/v1/incidents/${incidentId}`)
  return body.timeline.map(({ type }: { type: string }) => type)
}

test('the taker says that they have arrived, and then that it is over once they have seen the resident', async () => {
  const incidentId = await bench.raise(HOME)
  const link = await linkOf(incidentId)
  expect(buttonsOf((await link.say('say=take')).body)).toEqual(['arrived', 'real', 'false-alarm', 'cannot'])
  const there = await link.say('say=arrived')
  expect(there.statusCode).toBe(200)
  expect(there.body).toContain('you have arrived')
  expect(buttonsOf(there.body)).toEqual(['real', 'false-alarm', 'cannot'])
  expect(await stateOf(incidentId)).toMatchObject({ status: 'acknowledged', due: { arrive: null } })
  const unseen = await link.say('say=real')
  expect([unseen.statusCode, unseen.body.match(/role="alert">([^<]+)/)?.[1]]).toEqual([
    400,
    expect.stringContaining('tick first'),
  ])
  expect((await link.say('say=real&seen=yes')).body).toContain('It is over')
  expect(await stateOf(incidentId)).toMatchObject({ status: 'resolved', outcome: 'real' })
  expect(await timelineOf(incidentId)).toEqual(expect.arrayContaining(['Taken', 'Arrived', 'Resolved']))
  expect((await bench.audit('incident.resolve')).at(-1)).toMatchObject({ actor: 'contact:c1', detail: { via: 'link' } })
})

test('a warning too is closed only by whoever ticks that they have seen the resident', async () => {
  const incidentId = await bench.raise(HOME, { kind: 'bed-exit', severity: 'warning', deviceKind: 'sleep-monitor' })
  const link = await linkOf(incidentId)
  await link.say('say=take')
  expect((await link.say('say=false-alarm')).statusCode).toBe(400)
  expect((await link.say('say=false-alarm&seen=yes')).body).toContain('It is over')
})

test('the button is pressed again: the page asks for the arrival once more, whose press ends the wait for it', async () => {
  const incidentId = await bench.raise(HOME)
  const link = await linkOf(incidentId)
  await link.say('say=take')
  await link.say('say=arrived')
  expect(await bench.raise(HOME)).toBe(incidentId)
  expect((await stateOf(incidentId))?.due).toMatchObject({ arrive: expect.any(Number) })
  expect(buttonsOf(await link.look())).toContain('arrived')
  await link.say('say=arrived')
  expect((await stateOf(incidentId))?.due).toMatchObject({ arrive: null })
  await link.say('say=false-alarm&seen=yes')
})

test('“still on it?” is answered on the page, and only while it is asked', async () => {
  const incidentId = await bench.raise(HOME)
  const link = await linkOf(incidentId)
  await link.say('say=take')
  expect(buttonsOf(await link.look())).not.toContain('still-on-it')
  const asked = `update incident set state = jsonb_set(state, '{due,answer}', to_jsonb($2::float8)) where incident_id = $1`
  await bench.pool.query(asked, [incidentId, Date.now() + 60_000])
  expect(buttonsOf(await link.look())).toContain('still-on-it')
  await link.say('say=still-on-it')
  expect((await stateOf(incidentId))?.due).toMatchObject({ answer: null, ask: expect.any(Number) })
  expect(await timelineOf(incidentId)).toContain('StillOnItConfirmed')
  await link.say('say=false-alarm&seen=yes')
})

test('who cannot go after all gives it back, and others are told', async () => {
  const incidentId = await bench.raise(HOME)
  const link = await linkOf(incidentId)
  for (const _time of ['once', 'and again']) {
    await link.say('say=take')
    const page = (await link.say('say=cannot')).body
    expect(page).toContain('Noted, you can’t go')
    expect(buttonsOf(page)).toEqual(['take'])
    expect(await stateOf(incidentId)).toMatchObject({ status: 'open', takenBy: null })
  }
  await link.say('say=take')
  await link.say('say=false-alarm&seen=yes')
})

test('an old page of somebody who has it no longer closes nothing, and nonsense is an error that changes nothing', async () => {
  const incidentId = await bench.raise(HOME)
  const link = await linkOf(incidentId)
  await bench.ask(await bench.signIn('coordinator'), 'POST', `/api/v1/incidents/${incidentId}/acknowledge`, {})
  for (const old of ['say=real&seen=yes', 'say=false-alarm&seen=yes']) {
    const answer = await link.say(old)
    expect([answer.statusCode, answer.body]).toEqual([
      409,
      expect.stringMatching(/you no longer have it.*Zhao Yan has it/s),
    ])
  }
  for (const wrong of ['say=close', 'say=real&seen=no']) expect((await link.say(wrong)).statusCode).toBe(400)
  expect(await stateOf(incidentId)).toMatchObject({ status: 'acknowledged', outcome: null })
})
