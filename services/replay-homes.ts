import { addDifference } from './core/replay/report.ts'
import { SHARDS, shardOf } from './core/shard.ts'
import { type OneHome, openHome, type ReplayParts } from './replay-one-home.ts'
import { comparePositions } from './store/postgres/log-read-home.ts'
import { type HomeRecord, readHomeRecords } from './store/postgres/replay-homes.ts'
import { readShardRows, whileLogStands } from './store/postgres/replay-rows.ts'

/** `homeId` null: all; `from` null: as far back as the record goes, else a day `YYYY-MM-DD`, UTC. */
export type ReplayAsked = { homeId: string | null; from: string | null }

/**
 * The home stream: shard by shard the log's rows, and between them what each home's fold was given besides, through the
 * very fold of the rules; its signals, its rejections and in the end its state against those on record.
 */
export async function replayHomes<State>(parts: ReplayParts<State>, asked: ReplayAsked): Promise<void> {
  const shards = asked.homeId === null ? SHARDS : [shardOf(asked.homeId)]
  await whileLogStands(parts.database, async () => {
    for (const shard of shards) await replayShard(parts, shard, asked)
  })
}

async function replayShard<State>(parts: ReplayParts<State>, shard: number, asked: ReplayAsked): Promise<void> {
  const { database, report } = parts
  const homes = new Map<string, OneHome>()
  for (const record of await readHomeRecords(database, { shard, ...asked })) {
    report.counts.homes += 1
    if (record.startMissing) {
      const detail = 'the record does not reach back to its birth, and no state of such a day is kept'
      addDifference(report, { homeId: record.homeId, what: 'start', id: asked.from ?? 'any day', detail })
    } else homes.set(record.homeId, await openHome(parts, record))
  }
  const range = rangeOf([...homes.values()].map(({ record }) => record))
  if (range === null) return
  for await (const page of readShardRows(database, { shard, homeId: asked.homeId, ...range })) {
    for (const row of page) await homes.get(row.homeId)?.takeRow(row)
  }
  for (const home of homes.values()) await home.end()
}

/** From the earliest start to the latest end of these homes. */
function rangeOf(records: HomeRecord[]) {
  const starts = records.map((record) => record.start ?? { xid: 0n, id: 0 })
  const after = starts.toSorted(comparePositions)[0]
  const upTo = records.toSorted(comparePositions).at(-1)
  return after && upTo ? { after: { xid: after.xid, id: after.id }, upTo: { xid: upTo.xid, id: upTo.id } } : null
}
