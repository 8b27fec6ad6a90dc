import type { Database } from '../../store/postgres/pool.ts'

/** The database's clock of timers and sweeps, `offsetMs` beside the machine's; an entrance was open all the while. */
export async function setClock(pool: Database, offsetMs: number): Promise<void> {
  await moveClock(pool, offsetMs)
  await pool.query('update entrance_watch set heard_until = platform_now()')
}

export async function moveClock(pool: Database, offsetMs: number): Promise<void> {
  await pool.query(
    `create or replace function platform_now() returns timestamptz language sql stable as
     $$ select clock_timestamp() + interval '${offsetMs} milliseconds' $$`,
  )
}

export async function forgetEverything(pool: Database): Promise<void> {
  await pool.query(
    'truncate observation_log, log_cursor, home_state, home_input, incident_input, clock_jump restart identity',
  )
  await setClock(pool, 0)
}

/** What the home's fold was given besides rows, in order. */
export async function inputTypes(pool: Database, homeId: string): Promise<string[]> {
  const { rows } = await pool.query<{ type: string }>(
    "select body->>'type' as type from home_input where home_id = $1 order by version",
    [homeId],
  )
  return rows.map((row) => row.type)
}
