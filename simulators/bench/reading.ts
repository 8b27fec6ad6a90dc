import { randomUUID } from 'node:crypto'

const COUNTER_DIGITS = 10

/**
 * A sleep monitor's reading of exactly `bytes` bytes whose id counts up. The buffer is one and the same, written over
 * at each call, so that making the load costs next to nothing.
 */
export function numberedReading(name: string, bytes: number): () => Buffer {
  const run = randomUUID().slice(0, 8)
  const id = `"${run}-${name}-${'0'.repeat(COUNTER_DIGITS)}"`
  const said = `{"id":${id},"at":${Date.now()},"bedOccupied":true,"heartRatePerMin":62,"respirationPerMin":14,"movement":3,"signalQuality":0.9`
  const filler = bytes - said.length - ',"note":""}'.length
  if (filler < 0) throw new Error(`a reading has at least ${bytes - filler} bytes, not ${bytes}`)
  const reading = Buffer.from(`${said},"note":"${'x'.repeat(filler)}"}`)
  const lastDigit = reading.indexOf(id) + id.length - 2
  return () => {
    let at = lastDigit
    for (; reading[at] === 0x39; at -= 1) reading[at] = 0x30
    reading[at] = (reading[at] ?? 0) + 1
    return reading
  }
}
