import type { HistoryStore } from '../../ports.ts'
import { createInfluxClient, type InfluxAddress, TIMEOUT_MS } from './influx-client.ts'
import { queryHistory, queryLast } from './influx-query.ts'
import { type TagNames, writePoints } from './influx-write.ts'

/** Names kept in memory, so that a hash is not made for each point; beyond this all are forgotten and made again. */
const MAX_NAMES = 50_000
const NAME_BYTES = 16

/**
 * History in InfluxDB, which knows homes and devices by keyed hashes alone.
 * @param keyedHash the same text always gives the same bytes, at least 16, and nobody without the key can make them
 */
export function createInfluxHistory(
  address: InfluxAddress,
  keyedHash: (text: string) => Uint8Array,
  timeoutMs = TIMEOUT_MS,
): HistoryStore {
  const client = createInfluxClient(address, timeoutMs)
  const names = createTagNames(keyedHash)
  return {
    append: (points) => writePoints(client, names, points),
    read: (asked) => queryHistory(client, names, asked),
    last: (asked) => queryLast(client, names, asked),
  }
}

function createTagNames(keyedHash: (text: string) => Uint8Array): TagNames {
  const known = new Map<string, string>()
  function nameOf(text: string): string {
    const before = known.get(text)
    if (before !== undefined) return before
    if (known.size >= MAX_NAMES) known.clear()
    const name = Buffer.from(keyedHash(`history ${text}`))
      .subarray(0, NAME_BYTES)
      .toString('base64url')
    known.set(text, name)
    return name
  }
  return {
    home: (homeId) => nameOf(`home ${homeId}`),
    device: (homeId, deviceId) => nameOf(`device ${homeId} ${deviceId}`),
  }
}
