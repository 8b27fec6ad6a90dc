import { promisify } from 'node:util'
import { zstdCompress, zstdDecompress } from 'node:zlib'
import type { LogRow } from '../../ports.ts'
import { type RawRow, toLogRow } from './log-read.ts'

const compress = promisify(zstdCompress)
const decompress = promisify(zstdDecompress)

/** A row as a packed day keeps it: everything of it, the receipt time to the microsecond, one JSON array a line. */
type PackedRow = [
  xid: string,
  id: number,
  receivedUs: number,
  lane: number,
  homeId: string,
  account: string,
  flags: number,
  packetId: number | null,
  topic: string,
  payloadBase64: string,
  rejected: string | null,
]

export async function packRows(rows: readonly (RawRow & { lane: number })[]): Promise<Buffer> {
  const lines = rows.map((row) => {
    const packed: PackedRow = [
      String(row.xid),
      row.id,
      row.received_us,
      row.lane,
      row.home_id,
      row.account,
      row.flags,
      row.packet_id,
      row.topic,
      row.payload.toString('base64'),
      row.rejected,
    ]
    return JSON.stringify(packed)
  })
  return compress(lines.join('\n'))
}

/** The rows of one piece, in order; with `homeId` only that home's. */
export async function unpackRows(piece: Buffer, shard: number, homeId?: string): Promise<LogRow[]> {
  const rows: LogRow[] = []
  for (const line of (await decompress(piece)).toString().split('\n')) {
    const [xid, id, receivedUs, lane, home, account, flags, packetId, topic, payload, rejected] = JSON.parse(
      line,
    ) as PackedRow
    if (homeId !== undefined && home !== homeId) continue
    rows.push(
      toLogRow({
        shard,
        xid: BigInt(xid),
        id,
        received_us: receivedUs,
        lane,
        home_id: home,
        account,
        flags,
        packet_id: packetId,
        topic,
        payload: Buffer.from(payload, 'base64'),
        rejected,
        facts_version: null,
      }),
    )
  }
  return rows
}
