import type { DeviceNotice, HomeIncidents } from '../../ports.ts'
import type { Database } from './pool.ts'

/** A home with more than this at once leaves out the oldest that are over, and then the oldest that are not. */
const MOST_NOTICES = 50

/** What the lamps, speakers and buttons of a home are told. Technical faults are the desk's and nobody's at home. */
export function createHomeIncidents(pool: Database): HomeIncidents {
  return {
    async presentFor(homeId) {
      const { rows } = await pool.query<DeviceNotice>({
        name: 'home-incidents',
        text: `select incident_id as "incidentId", kind, severity, status, (state ->> 'raisedCount')::int as "raisedCount",
                      case when status = 'open' then null else state #>> '{takenBy,name}' end as "takenBy",
                      null::int as "etaMin", state ->> 'arrivedAt' is not null as arrived,
                      (extract(epoch from coalesce(resolved_at,
                        to_timestamp((state #>> '{takenBy,at}')::float8 / 1000), opened_at)) * 1000)::int8 as at
                 from incident
                where home_id = $1 and kind <> 'technical'
                  and (status <> 'resolved' or resolved_at > platform_now() - interval '1 day')
                order by status = 'resolved', opened_at desc limit ${MOST_NOTICES}`,
        values: [homeId],
      })
      return rows.reverse()
    },
  }
}
