import type { Appended, FreshBatch, FreshSink, LogAppend, LogMessage } from '../../ports.ts'
import { byteaArray, int2Array, int4Array, textArray } from './log-append-arrays.ts'
import { createLogWriter, type LogWriter, mayWrite, WRITER } from './log-writer.ts'
import type { Database } from './pool.ts'

/** After this the outcome is unknown: the connection is given up, and whoever waits may try again. */
const APPEND_MS = 5_000

const COLUMNS = 'shard, lane, home_id, account, flags, packet_id, topic, payload, rejected'
/** Set-returning functions in the select list step together and need no tuplestore each, as they would in `from`. */
const MESSAGES = `unnest($1::smallint[]), unnest($2::smallint[]), unnest($3::text[]), unnest($4::text[]),
         unnest($5::smallint[]), unnest($6::integer[]), unnest($7::text[]), unnest($8::bytea[]), unnest($9::text[])`

const APPEND = {
  name: 'log-append',
  text: `
  with ${WRITER}
  insert into observation_log (${COLUMNS})
  select ${MESSAGES} from writer where ${mayWrite('$10')}`,
}

/** The same, and what the rules need to know to fold its rows without reading them. All rows have one receipt time. */
const APPEND_AND_TELL = {
  name: 'log-append-and-tell',
  text: `
  with ${WRITER}, added as (
    insert into observation_log (received_at, ${COLUMNS})
    select (select clock_timestamp()), ${MESSAGES} from writer where ${mayWrite('$10')}
    returning id, received_at
  )
  select count(*)::int4 as rows, min(id) as "firstId", max(id) as "lastId", pg_current_xact_id() as xid,
         (extract(epoch from min(received_at)) * 1000000)::int8 as "receivedUs",
         (select sole from writer) as sole, (select coalesce(max(epoch), 0) from clock_jump) as epoch,
         (select json_object_agg(home_id, version) from home_facts_changed where home_id = any($3)) as "newFacts"
  from added`,
}
type Told = Omit<FreshBatch, 'columns'> & { sole: string | null }

/**
 * The log as ingest writes it. One autocommit statement a batch, so that a frozen process cannot hold it open.
 * @param fresh takes what was committed, in its order, as long as nobody else writes the log; null: nobody here wants it
 */
export function createLogAppend(pool: Database, fresh: FreshSink | null = null): LogAppend {
  const writer = createLogWriter(pool, fresh !== null)
  return {
    async append(batch) {
      const columns = columnsOf(batch)
      const alarmed = new Set(batch.filter(({ lane }) => lane === 0).map(({ homeId }) => homeId))
      if (alarmed.size > 0) fresh?.expect([...alarmed])
      try {
        for (;;) {
          const appended = await appendOnce(pool, writer, columns, fresh)
          if (appended !== null) return appended
          // The second time it writes among others, and that is refused only while somebody takes over again.
          writer.yield()
          fresh?.lost()
        }
      } catch (cause) {
        writer.outcomeUnknown()
        fresh?.lost()
        throw new Error('append to the observation log', { cause })
      }
    },
  }
}

/** @returns null when it was not allowed to: then nothing was stored */
async function appendOnce(
  pool: Database,
  writer: LogWriter,
  columns: Buffer<ArrayBuffer>[],
  fresh: FreshSink | null,
): Promise<Appended | null> {
  await writer.announce()
  const id = writer.id()
  const values = [...columns, id]
  if (fresh === null || id === null) {
    return (await run(pool, { ...APPEND, values })).rowCount === 0 ? null : { isHandedOver: false }
  }
  const { rows } = await run(pool, { ...APPEND_AND_TELL, values })
  const told = rows[0] as Told | undefined
  if (!told || told.rows === 0) return null
  if (told.sole !== id) writer.yield()
  // Ids that are not in a row would not be those of the messages as they stand in the batch.
  const isHandedOver = told.sole === id && told.lastId - told.firstId + 1 === told.rows
  if (isHandedOver) fresh.offer({ ...told, columns })
  else fresh.lost()
  return { isHandedOver }
}

async function run(pool: Database, query: { name: string; text: string; values: unknown[] }) {
  const client = await pool.connect()
  let failure: Error | undefined
  try {
    // pg hands `query_timeout` through, its types do not know it.
    return await client.query({ ...query, query_timeout: APPEND_MS } as typeof query)
  } catch (error) {
    failure = error instanceof Error ? error : new Error(String(error))
    throw failure
  } finally {
    client.release(failure)
  }
}

function columnsOf(batch: readonly LogMessage[]): Buffer<ArrayBuffer>[] {
  return [
    int2Array(batch, (message) => message.shard),
    int2Array(batch, (message) => message.lane),
    textArray(batch, (message) => message.homeId),
    textArray(batch, (message) => message.account),
    int2Array(batch, (message) => message.flags),
    int4Array(batch, (message) => message.packetId),
    textArray(batch, (message) => message.topic),
    byteaArray(batch, (message) => message.payload),
    textArray(batch, (message) => message.rejected),
  ]
}
