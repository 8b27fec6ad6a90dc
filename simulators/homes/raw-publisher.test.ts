import { createHistogram } from 'node:perf_hooks'
import fc from 'fast-check'
import { generate } from 'mqtt-packet'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { frameReader, publishBytes, writePublish } from './raw-frames.ts'
import { connectRaw, type RawPublisher } from './raw-publisher.ts'
import { type Relay, startBroker, startRelay, type TestBroker } from './testing/broker.ts'

let broker: TestBroker
let relay: Relay
beforeEach(async () => {
  broker = await startBroker()
  relay = await startRelay(broker.port)
})
afterEach(async () => {
  await relay.close()
  await broker.close()
})

const TOPIC = Buffer.from('care/v1/home-1/gas-1/telemetry')
const account = { host: '127.0.0.1', username: 'gas', password: 'right', clientId: 'gas' }

test('a thousand messages are acknowledged one by one, never more on the way than allowed', async () => {
  const latency = createHistogram()
  let next = 0
  let most = 0
  const fill = (publisher: RawPublisher) => {
    while (next < 1000 && publisher.publish(TOPIC, JSON.stringify({ id: next, text: '安邻' }))) next += 1
    most = Math.max(most, publisher.inflight)
  }
  const publisher = await connectRaw({ ...account, port: broker.port, maxInflight: 7, latency, onFree: fill })
  fill(publisher)
  expect(publisher.publish(TOPIC, '{}')).toBe(false)
  await expect.poll(() => publisher.acknowledged).toBe(1000)
  await publisher.drained()
  await publisher.end()
  expect(most).toBe(7)
  expect(latency.count).toBe(1000)
  expect(publisher.unacknowledged()).toEqual([])
  await expect.poll(() => broker.heard).toHaveLength(1000)
  expect(broker.heard.map(({ body }) => body.id)).toEqual(Array.from({ length: 1000 }, (_, id) => id))
  expect(broker.heard[0]?.body.text).toBe('安邻')
})

test('a message longer than a stage keeps its place among short ones', async () => {
  const publisher = await connectRaw({ ...account, port: broker.port })
  const long = 'x'.repeat(40_000)
  for (const [id, text] of ['a', long, 'b'].entries()) publisher.publish(TOPIC, JSON.stringify({ id, text }))
  await publisher.drained()
  await expect.poll(() => broker.heard.map(({ body }) => body.id)).toEqual([0, 1, 2])
  expect(broker.heard[1]?.body.text).toBe(long)
  await publisher.end()
})

test('what a cut connection left unanswered is there to be sent again, marked as a duplicate', async () => {
  const lost = Promise.withResolvers<Error>()
  const publisher = await connectRaw({ ...account, port: relay.port, onLost: lost.resolve })
  publisher.publish(TOPIC, '{"id":1}')
  await publisher.drained()
  relay.swallowAnswers = true
  publisher.publish(TOPIC, '{"id":2}')
  publisher.publish(TOPIC, '{"id":3}')
  await expect.poll(() => broker.received).toHaveLength(3)
  relay.cut()
  await expect(lost.promise).resolves.toMatchObject({ code: 'lost' })
  expect(publisher.publish(TOPIC, '{"id":4}')).toBe(false)

  const owed = publisher.unacknowledged()
  expect(owed.map(({ payload }) => payload).toSorted()).toEqual(['{"id":2}', '{"id":3}'])
  const second = await connectRaw({ ...account, port: broker.port })
  for (const { topic, payload } of owed) second.publish(topic, payload, undefined, true)
  await second.drained()
  expect(second.acknowledged).toBe(2)
  expect(broker.received.slice(3).map(({ dup }) => dup)).toEqual([true, true])
  await second.end()
})

test('a refusal and a closed door are told apart', async () => {
  const refused = connectRaw({ ...account, password: 'wrong', port: broker.port })
  await expect(refused).rejects.toMatchObject({ code: 'refused', returnCode: 5 })
  await relay.close()
  await expect(connectRaw({ ...account, port: relay.port })).rejects.toMatchObject({ code: 'no-connection' })
})

test('a PUBLISH is byte for byte what mqtt-packet makes of it', () => {
  const anyPublish = fc.record({
    topic: fc.stringMatching(/^[a-z/0-9]{1,200}$/),
    text: fc.string({ unit: 'grapheme', maxLength: 20_000 }),
    packetId: fc.integer({ min: 1, max: 65_535 }),
    dup: fc.boolean(),
  })
  fc.assert(
    fc.property(anyPublish, ({ topic, text, packetId, dup }) => {
      const payloadBytes = Buffer.byteLength(text)
      const bytes = Buffer.alloc(publishBytes(Buffer.byteLength(topic), payloadBytes))
      const publish = { topic: Buffer.from(topic), payload: text, payloadBytes, packetId, dup }
      expect(writePublish(bytes, 0, publish)).toBe(bytes.length)
      const packet = { cmd: 'publish', topic, payload: text, qos: 1, messageId: packetId, dup, retain: false } as const
      expect(bytes).toEqual(generate(packet))
    }),
  )
})

test('frames are the same however TCP cuts them', () => {
  const anyFrames = fc.array(fc.uint8Array({ minLength: 2, maxLength: 300 }), { maxLength: 20 })
  fc.assert(
    fc.property(anyFrames, fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1 }), (bodies, cuts) => {
      const frames = bodies.map((body) => {
        const length = body.length < 128 ? [body.length] : [(body.length & 0x7f) | 0x80, body.length >> 7]
        return Buffer.from([0x40, ...length, ...body])
      })
      const stream = Buffer.concat(frames)
      const read: number[] = []
      const reader = frameReader((type, bytes, body) => read.push(type, bytes.readUInt16BE(body)))
      for (let at = 0, cut = 0; at < stream.length; cut += 1) {
        const size = cuts[cut % cuts.length] ?? 1
        reader(stream.subarray(at, at + size))
        at += size
      }
      expect(read).toEqual(bodies.flatMap((body) => [0x40, ((body[0] ?? 0) << 8) | (body[1] ?? 0)]))
    }),
  )
})
