import fc from 'fast-check'
import { generate } from 'mqtt-packet'
import { expect, test } from 'vitest'
import { countPublishes, packetBoundaries } from './packet-boundaries.ts'

const LIMIT = 64 * 1024

const publish = fc
  .record({
    topic: fc.string({ minLength: 1 }).filter((text) => !/[#+]/.test(text)),
    payload: fc.uint8Array({ maxLength: 400 }),
  })
  .map(({ topic, payload }) =>
    generate({ cmd: 'publish', topic, payload: Buffer.from(payload), qos: 0, dup: false, retain: false }),
  )
const ping = fc.constant(generate({ cmd: 'pingreq' }))

test('however a stream of packets is cut, its publishes are counted', () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(publish, ping), { maxLength: 20 }),
      fc.integer({ min: 1, max: 50 }),
      (packets, cut) => {
        const stream = Buffer.concat(packets)
        const at = packetBoundaries()
        let counted = 0
        for (let start = 0; start < stream.length; start += cut) {
          counted += countPublishes(at, stream.subarray(start, start + cut), LIMIT) ?? Number.NaN
        }
        expect(counted).toBe(packets.filter((packet) => (packet[0] ?? 0) >> 4 === 3).length)
        expect(at).toMatchObject({ missing: 0, inLength: false, packets: packets.length })
      },
    ),
  )
})

test.each([
  ['exactly the limit', [0x30, 0x80, 0x20], 4096, 1],
  ['one byte more', [0x30, 0x81, 0x20], 4096, null],
  ['the greatest length there is', [0x10, 0xff, 0xff, 0xff, 0x7f], 4096, null],
  ['a length of five digits', [0x30, 0x80, 0x80, 0x80, 0x80, 0x01], 4096, null],
])('%s', (_name, bytes, limit, expected) => {
  expect(countPublishes(packetBoundaries(), Buffer.from(bytes), limit)).toBe(expected)
})
