import { firstDifference } from './core/replay/difference.ts'
import { addDifference, type ReplayReport } from './core/replay/report.ts'
import { SHARDS, shardOf } from './core/shard.ts'
import type { Signal } from './core/signal.ts'
import type { RecordedInput, ReplayEvent } from './ports.ts'
import { FOLD_ERROR } from './rules/home-draft.ts'
import type { HomeFold } from './rules/home-fold.ts'
import { openHomeReplay } from './rules/replay-home.ts'
import { comparePositions } from './store/postgres/log-read-home.ts'
import type { Database } from './store/postgres/pool.ts'
import {
  type HomeRecord,
  type RecordedSignal,
  readHomeRecords,
  readRecordedInputs,
  readRecordedSignals,
} from './store/postgres/replay-homes.ts'
import { type ReplayRow, readShardRows } from './store/postgres/replay-rows.ts'

/** Inputs or signals of one home that are read at once; a shard's homes hold a page of each. */
const PAGE = 50

type Parts<State> = { database: Database; fold: HomeFold<State>; report: ReplayReport }
/** `homeId` null: all; `from` null: as far back as the record goes, else a day `YYYY-MM-DD`, UTC. */
export type ReplayAsked = { homeId: string | null; from: string | null }

/**
 * The home stream: shard by shard the log's rows, and between them what each home's fold was given besides, through the
 * very fold of the rules; its signals, its rejections and in the end its state against those on record.
 */
export async function replayHomes<State>(parts: Parts<State>, asked: ReplayAsked): Promise<void> {
  const shards = asked.homeId === null ? SHARDS : [shardOf(asked.homeId)]
  for (const shard of shards) await replayShard(parts, shard, asked)
}

async function replayShard<State>(parts: Parts<State>, shard: number, asked: ReplayAsked): Promise<void> {
  const { database, report } = parts
  const records = await readHomeRecords(database, { shard, ...asked })
  const homes = new Map<string, HomeRun>()
  for (const record of records) {
    report.counts.homes += 1
    if (record.startMissing) {
      const detail = 'the record does not reach back to its birth, and no state of such a day is kept'
      addDifference(report, { homeId: record.homeId, what: 'start', id: asked.from ?? 'the whole record', detail })
    } else homes.set(record.homeId, await openHome(parts, record))
  }
  const range = rangeOf([...homes.values()].map(({ record }) => record))
  if (range === null) return
  for await (const page of readShardRows(database, { shard, homeId: asked.homeId, ...range })) {
    for (const row of page) {
      const home = homes.get(row.homeId)
      if (home?.covers(row)) await home.takeRow(row)
    }
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

type HomeRun = Awaited<ReturnType<typeof openHome>>

async function openHome<State>({ database, fold, report }: Parts<State>, record: HomeRecord) {
  const { homeId, start, version, lastSignalId } = record
  const replay = openHomeReplay(fold, start)
  const inputs = await openPages<RecordedInput>(
    start?.version ?? 0,
    (after) => readRecordedInputs(database, { homeId, after, upTo: version, limit: PAGE }),
    (input) => input.version,
  )
  const signals = await openPages<RecordedSignal>(
    start?.signalId ?? 0,
    (after) => readRecordedSignals(database, { homeId, after, upTo: lastSignalId, limit: PAGE }),
    ({ inputId }) => inputId,
  )

  async function take(event: ReplayEvent): Promise<string | null> {
    const step = replay.take(event)
    for (const signal of step?.signals ?? []) await compareSignal(signal)
    return step?.rejected ?? null
  }

  async function compareSignal(signal: Signal): Promise<void> {
    report.counts.signals += 1
    const recorded = signals.head()
    if (!recorded) {
      addDifference(report, {
        homeId,
        what: 'signal',
        id: `${signal.type} at ${signal.receivedAt}`,
        detail: 'not on record',
      })
      return
    }
    const place = firstDifference(recorded.signal, signal)
    if (place)
      addDifference(report, { homeId, what: 'signal', id: String(recorded.inputId), detail: `differs at ${place}` })
    await signals.pass()
  }

  async function takeInputsBefore(row: ReplayRow | null): Promise<void> {
    for (let input = inputs.head(); input; input = inputs.head()) {
      // An input was applied after the row at its position, and before the next.
      if (row && comparePositions(input, row) >= 0) return
      await take({ type: 'input', input })
      await inputs.pass()
    }
  }

  return {
    record,
    covers: (row: ReplayRow) =>
      comparePositions(row, record) <= 0 && (start === null || comparePositions(row, start) > 0),
    async takeRow(row: ReplayRow): Promise<void> {
      report.counts.rows += 1
      if (inputs.head()) await takeInputsBefore(row)
      const rejected = await take({ type: 'row', row })
      if (row.code !== FOLD_ERROR && row.code !== rejected) {
        const detail = `recorded ${row.code ?? 'none'}, replayed ${rejected ?? 'none'}`
        addDifference(report, { homeId, what: 'rejection', id: `${row.xid}/${row.id}`, detail })
      }
    },
    async end(): Promise<void> {
      await takeInputsBefore(null)
      for (let left = signals.head(); left; left = signals.head()) {
        addDifference(report, { homeId, what: 'signal', id: String(left.inputId), detail: 'not replayed' })
        await signals.pass()
      }
      const place = firstDifference(record.state, replay.state())
      const id = `version ${version} after row ${record.xid}/${record.id}`
      if (place) addDifference(report, { homeId, what: 'home-state', id, detail: `differs at ${place}` })
    },
  }
}

/** A list on record, read page by page, with its first row that has not been passed at hand. */
async function openPages<T>(after: number, read: (after: number) => Promise<T[]>, keyOf: (row: T) => number) {
  let page = await read(after)
  let next = 0
  return {
    head: (): T | undefined => page[next],
    async pass(): Promise<void> {
      next += 1
      const last = page.at(-1)
      if (next < page.length || page.length < PAGE || !last) return
      page = await read(keyOf(last))
      next = 0
    },
  }
}
