import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'
import { expect, test } from 'vitest'

/** The command as an installer runs it. */
async function decode(lines: readonly (object | string)[]) {
  const command = spawn(process.execPath, ['services/decode.ts'], { stdio: ['pipe', 'pipe', 'pipe'] })
  const exit = new Promise<number | null>((resolve) => command.on('close', resolve))
  const [out, err] = [text(command.stdout), text(command.stderr)]
  command.stdin.end(lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line))).join('\n'))
  const answers = (await out).split('\n').filter((line) => line !== '')
  return { answers: answers.map((line) => JSON.parse(line)), err: await err, code: await exit }
}

const AT = '2026-11-23T02:11:10.000Z'

test('says of each message what is understood, in order, with what is repeated and what is stale', async () => {
  const native = { id: '1', kind: 'sos', state: 'pressed' }
  const { answers, code } = await decode([
    { topic: 'zigbee2mqtt/bath', payload: { action: 'emergency', battery: 90 }, receivedAt: AT },
    { topic: 'zigbee2mqtt/bath/action', payload: 'emergency', receivedAt: AT },
    '',
    { topic: 'zigbee2mqtt/leak', payload: { water_leak: true, last_seen: 1 }, retained: true, receivedAt: AT },
    { topic: 'care/v1/home-001/button/event', payload: native, receivedAt: AT },
    {
      topic: 'care/v1/home-001/button/event',
      payloadBase64: btoa(JSON.stringify(native)),
      receivedAt: Date.parse(AT) + 1_000,
    },
    { topic: 'zigbee2mqtt/bath', payload: '{"action":', receivedAt: AT },
    { topic: 'weather/today', payload: 'rain', receivedAt: AT },
  ])
  const sos = { kind: 'sos', state: 'pressed', at: AT }
  expect(answers).toEqual([
    {
      line: 1,
      convention: 'zigbee2mqtt',
      observations: [
        { deviceId: 'bath', ...sos },
        { deviceId: 'bath', kind: 'battery', percent: 90, low: null, at: AT },
      ],
      rejected: null,
    },
    {
      line: 2,
      convention: 'zigbee2mqtt',
      observations: [{ deviceId: 'bath', ...sos, duplicate: true }],
      rejected: 'duplicate',
    },
    {
      line: 4,
      convention: 'zigbee2mqtt',
      observations: [{ deviceId: 'leak', kind: 'leak', state: 'alarm', at: '1970-01-01T00:00:01.000Z', stale: true }],
      rejected: 'stale-retained',
    },
    { line: 5, convention: 'native', observations: [{ deviceId: 'button', ...sos }], rejected: null },
    {
      line: 6,
      convention: 'native',
      observations: [{ deviceId: 'button', ...sos, at: '2026-11-23T02:11:11.000Z', duplicate: true }],
      rejected: 'duplicate',
    },
    { line: 7, convention: 'zigbee2mqtt', observations: [], rejected: 'not-json' },
    { line: 8, convention: null, observations: [], rejected: 'unknown-topic' },
  ])
  expect(code).toBe(0)
})

test('names a line that is no message, goes on, and ends with 1', async () => {
  const { answers, err, code } = await decode([
    'not json',
    '[1]',
    { payload: {} },
    { topic: 'a' },
    { topic: 'a', payload: {}, receivedAt: 'yesterday' },
    { topic: 'zigbee2mqtt/bath', payload: { action: 'emergency' } },
  ])
  expect(answers.map(({ rejected }) => rejected)).toEqual([
    'line-not-json',
    'line-without-topic',
    'line-without-topic',
    'line-without-payload',
    'line-with-wrong-time',
    null,
  ])
  expect([err, code]).toEqual(['5 of 6 lines are no messages\n', 1])
})
