import type { LogAppend, LogMessage } from '../../ports.ts'
import { byteaArray, int2Array, int4Array, textArray } from './log-append-arrays.ts'
import type { Database } from './pool.ts'

/** After this the outcome is unknown: the connection is given up, and whoever waits may try again. */
const APPEND_MS = 5_000

/** Set-returning functions in the select list step together and need no tuplestore each, as they would in `from`. */
const APPEND = `
  insert into observation_log (shard, lane, home_id, account, flags, packet_id, topic, payload, rejected)
  select unnest($1::smallint[]), unnest($2::smallint[]), unnest($3::text[]), unnest($4::text[]),
         unnest($5::smallint[]), unnest($6::integer[]), unnest($7::text[]), unnest($8::bytea[]), unnest($9::text[])`

/** The log as ingest writes it. One autocommit statement a batch, so that a frozen process cannot hold it open. */
export function createLogAppend(pool: Database): LogAppend {
  return {
    async append(batch) {
      const client = await pool.connect()
      let failure: Error | undefined
      try {
        // pg hands `query_timeout` through, its types do not know it.
        const query = { name: 'log-append', text: APPEND, values: columnsOf(batch), query_timeout: APPEND_MS }
        await client.query(query)
      } catch (cause) {
        failure = cause instanceof Error ? cause : new Error(String(cause))
        throw new Error('append to the observation log', { cause })
      } finally {
        client.release(failure)
      }
    },
  }
}

function columnsOf(batch: readonly LogMessage[]): Buffer[] {
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
