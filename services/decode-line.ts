import { parseTime } from '../devices/device-clock.ts'
import type { BenchMessage } from '../devices/workbench.ts'

/** One line of `npm run decode`: a message as JSON. A text answers why it is none. */
export function readDecodeLine(text: string, now: number): BenchMessage | string {
  let line: unknown
  try {
    line = JSON.parse(text)
  } catch {
    return 'line-not-json'
  }
  if (typeof line !== 'object' || line === null) return 'line-not-an-object'
  const { topic, payload, payloadBase64, retained, receivedAt } = line as Record<string, unknown>
  if (typeof topic !== 'string') return 'line-without-topic'
  const bytes = readPayload(payload, payloadBase64)
  if (bytes === null) return 'line-without-payload'
  const at = receivedAt === undefined ? now : parseTime(receivedAt)
  return at === null ? 'line-with-wrong-time' : { topic, payload: bytes, retained: retained === true, receivedAt: at }
}

function readPayload(payload: unknown, base64: unknown): Uint8Array | null {
  if (typeof base64 === 'string') return Buffer.from(base64, 'base64')
  if (payload === undefined) return null
  return Buffer.from(typeof payload === 'string' ? payload : JSON.stringify(payload))
}
