import { firstDifference } from './core/replay/difference.ts'
import { addDifference, type ReplayReport } from './core/replay/report.ts'
import type { Signal } from './core/signal.ts'
import type { ReplayEvent } from './ports.ts'
import { FOLD_ERROR } from './rules/home-draft.ts'
import type { HomeFold } from './rules/home-fold.ts'
import { openHomeReplay } from './rules/replay-home.ts'
import { comparePositions } from './store/postgres/log-read-home.ts'
import type { Database } from './store/postgres/pool.ts'
import { type HomeRecord, readRecordedInputs, readRecordedSignals } from './store/postgres/replay-homes.ts'
import type { ReplayRow } from './store/postgres/replay-rows.ts'

/** Inputs or signals of one home that are read at once; a shard's homes hold a page of each. */
const PAGE = 50

export type ReplayParts<State> = { database: Database; fold: HomeFold<State>; report: ReplayReport }

export type OneHome = {
  record: HomeRecord
  /** Folds the row, and before it what the home's fold was given besides; compares what comes of it. */
  takeRow(row: ReplayRow): Promise<void>
  /** After the last row. */
  end(): Promise<void>
}

export async function openHome<State>(parts: ReplayParts<State>, record: HomeRecord): Promise<OneHome> {
  const { database, fold, report } = parts
  const { homeId, start, version } = record
  const replay = openHomeReplay(fold, start)
  const signals = await openSignals(parts, record)
  const inputs = await openPages(
    start?.version ?? 0,
    (after) => readRecordedInputs(database, { homeId, after, upTo: version, limit: PAGE }),
    (input) => input.version,
  )

  async function take(event: ReplayEvent): Promise<string | null> {
    const step = replay.take(event)
    for (const signal of step?.signals ?? []) await signals.compare(signal)
    return step?.rejected ?? null
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
    async takeRow(row) {
      if (comparePositions(row, record) > 0 || (start && comparePositions(row, start) <= 0)) return
      report.counts.rows += 1
      if (inputs.head()) await takeInputsBefore(row)
      const rejected = await take({ type: 'row', row })
      if (row.code === FOLD_ERROR || row.code === rejected) return
      const detail = `recorded ${row.code ?? 'none'}, replayed ${rejected ?? 'none'}`
      addDifference(report, { homeId, what: 'rejection', id: `${row.xid}/${row.id}`, detail })
    },
    async end() {
      await takeInputsBefore(null)
      await signals.end()
      const place = firstDifference(record.state, replay.state())
      const id = `version ${version} after row ${record.xid}/${record.id}`
      if (place) addDifference(report, { homeId, what: 'home-state', id, detail: `differs at ${place}` })
    },
  }
}

/** The home's signals on record, one by one beside those that the replay gives. */
async function openSignals<State>({ database, report }: ReplayParts<State>, record: HomeRecord) {
  const { homeId, start, lastSignalId } = record
  const recorded = await openPages(
    start?.signalId ?? 0,
    (after) => readRecordedSignals(database, { homeId, after, upTo: lastSignalId, limit: PAGE }),
    ({ inputId }) => inputId,
  )
  const differ = (id: string, detail: string) => addDifference(report, { homeId, what: 'signal', id, detail })
  return {
    async compare(signal: Signal): Promise<void> {
      report.counts.signals += 1
      const head = recorded.head()
      if (!head) return differ(`${signal.type} at ${signal.receivedAt}`, 'not on record')
      const place = firstDifference(head.signal, signal)
      if (place) differ(String(head.inputId), `differs at ${place}`)
      await recorded.pass()
    },
    async end(): Promise<void> {
      for (let left = recorded.head(); left; left = recorded.head()) {
        differ(String(left.inputId), 'not replayed')
        await recorded.pass()
      }
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
