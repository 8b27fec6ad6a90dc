import type { Signal } from '../../core/signal.ts'
import type { RaisedInput } from '../../ports.ts'
import type { Database } from '../../store/postgres/pool.ts'

/** Writes a signal as the rules do: a press of the bathroom's button, now, unless said otherwise. */
export async function writeSignal(pool: Database, homeId: string, given: Partial<Signal>): Promise<RaisedInput> {
  const { rows } = await pool.query<{ now: number }>('select platform_now() as now')
  const now = rows[0]?.now ?? 0
  const signal: Signal = {
    type: 'ConditionRaised',
    kind: 'sos',
    subject: '',
    deviceId: 'sos-bath',
    deviceKind: 'sos-button',
    room: 'bathroom',
    at: now,
    receivedAt: now,
    severity: 'critical',
    why: { code: 'sos-pressed', values: {} },
    test: false,
    ...given,
  }
  const written = await pool.query<{ input_id: number }>(
    'insert into incident_input (home_id, body) values ($1, $2) returning input_id',
    [homeId, { type: 'SignalReceived', signal }],
  )
  return { homeId, inputId: String(written.rows[0]?.input_id), signal }
}
