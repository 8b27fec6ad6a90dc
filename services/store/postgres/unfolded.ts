import { IS_TECHNICAL } from './incidents.ts'
import type { Database } from './pool.ts'

/**
 * Alarms and what is to be done of them, each by an index of its own: those of migrations 0002 and 0011. Readings may wait, for
 * alarms overtake them; technical faults wait in a line of their own. `unread`: no rules ever began to.
 */
const WAITING = `
  select coalesce(extract(epoch from clock_timestamp() - (
      select min(u.received_at) from log_cursor c cross join lateral (
        select l.received_at from observation_log l left join home_state s on s.home_id = l.home_id
        where l.shard = c.shard and l.lane = 0 and l.rejected is null and (l.xid, l.id) > (c.xid, c.id)
          and (s.home_id is null or (l.xid, l.id) > (s.xid, s.id))
        order by l.xid, l.id limit 1
      ) u where c.reader = 'rules'
    )) * 1000, 0)::float8 as "alarmMs",
    coalesce(extract(epoch from platform_now() - (
      select min(created_at) from incident_input where applied_at is null and ${IS_TECHNICAL} is not true
    )) * 1000, 0)::float8 as "inputMs",
    exists (select 1 from observation_log) and not exists (select 1 from log_cursor where reader = 'rules') as unread`

/** How long the oldest alarm, or signal or answer waits that nobody has folded, in ms; 0 when none does. */
export function readUnfolded(pool: Database): () => Promise<number> {
  return async () => {
    const { rows } = await pool.query<{ alarmMs: number; inputMs: number; unread: boolean }>({
      name: 'api-unfolded',
      text: WAITING,
    })
    const [waiting] = rows
    return waiting && !waiting.unread ? Math.max(0, waiting.alarmMs, waiting.inputMs) : Number.POSITIVE_INFINITY
  }
}
