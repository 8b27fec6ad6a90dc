import type { IncomingMessages, PhoneOwner, ToldPhone } from '../../ports.ts'
import type { Sealing } from '../sealing.ts'
import { nameOf } from './incidents-people.ts'
import { DIRECT_ROWS, directRow, INSERT_DIRECT } from './outbox-direct.ts'
import type { Database } from './pool.ts'

/** Nobody is asked to choose among more; a phone told of more than that is a supervisor's, who has the desk. */
const MAX_TOLD_ROWS = 200

/** The newest: in a storm, the incident that a reply means must be among them. What was told after the reply is not what it answers. */
const TOLD_ROWS = `
  select * from (
    select distinct on (o.home_id, o.incident_id) o.home_id as "homeId", o.incident_id as "incidentId", o.code,
      o.created_at as "toldAt", o.recipient, i.status, i.kind, coalesce(h.label, '') as "homeLabel"
    from outbox o join incident i using (home_id, incident_id) left join home h using (home_id)
    where o.phone_hash = $1 and o.code is not null and o.attempts > 0
      and o.created_at <= to_timestamp($2::float8 / 1000)
      and (o.created_at > platform_now() - interval '72 hours' or i.status <> 'resolved')
    order by o.home_id, o.incident_id, o.created_at desc
  ) told order by "toldAt" desc limit ${MAX_TOLD_ROWS}`

const OWNERS = `
  select home_id, home_id as supervised_at, 'contact:' || contact_id as ref, name_sealed, null as name, language
  from contact where phone_hash = $1 and removed_at is null
  union all
  select null, (
      select h.home_id from cell_member m join home h using (grid_cell_id) where m.user_id = u.user_id
      order by h.home_id limit 1
    ), 'user:' || user_id, null, name, language
  from app_user u where phone_hash = $1 and disabled_at is null`

export function createIncomingMessages(database: Database, sealing: Sealing): IncomingMessages {
  return {
    async record({ providerId, from, body, sentAtMs }) {
      const { rows } = await database.query<{ judged: boolean; received_at: number; sent_at: number | null }>({
        name: 'incoming-record',
        // An update that changes nothing, for its row has to come back.
        text: `insert into incoming_message (provider_id, phone_hash, phone_sealed, body_sealed, sent_at)
               values ($1, $2, $3, $4, to_timestamp($5::float8 / 1000))
               on conflict (provider_id) do update set provider_id = excluded.provider_id
               returning verdict is not null as judged, received_at, sent_at`,
        values: [providerId, sealing.phoneHash(from), sealing.seal(from), sealing.seal(body), sentAtMs],
      })
      const [row] = rows
      return { judged: row?.judged ?? false, receivedAtMs: row?.received_at ?? 0, sentAtMs: row?.sent_at ?? null }
    },
    async toldRows(phone, untilMs) {
      const { rows } = await database.query<ToldPhone>(TOLD_ROWS, [sealing.phoneHash(phone), untilMs])
      return rows
    },
    owners: (phone) => owners(database, sealing, phone),
    async settle(providerId, verdict, answers) {
      await database.query({
        name: 'incoming-settle',
        text: `with judged as (
                 update incoming_message set verdict = $3 where provider_id = $2 and verdict is null returning 1
               ), direct as (${DIRECT_ROWS} where exists (select from judged)) ${INSERT_DIRECT}`,
        values: [JSON.stringify(answers.map((answer) => directRow(answer, sealing))), providerId, verdict],
      })
    },
    async waiting({ waitedMs, limit }) {
      const { rows } = await database.query<WaitingRow>({
        name: 'incoming-waiting',
        text: `select provider_id, phone_sealed, body_sealed, sent_at from incoming_message
               where verdict is null and received_at < platform_now() - $1::float8 * interval '1 millisecond'
               order by received_at limit $2`,
        values: [waitedMs, limit],
      })
      return rows.map((row) => ({
        providerId: row.provider_id,
        from: sealing.open(row.phone_sealed),
        to: '',
        body: sealing.open(row.body_sealed),
        sentAtMs: row.sent_at,
      }))
    },
    async readUntilMs() {
      const { rows } = await database.query<{ until: number }>('select read_until as until from reply_read_back')
      return rows[0]?.until ?? null
    },
    async keepReadUntil(ms) {
      await database.query(
        `insert into reply_read_back (read_until) values (to_timestamp($1::float8 / 1000))
         on conflict (only_row) do update set read_until = greatest(reply_read_back.read_until, excluded.read_until)`,
        [ms],
      )
    },
  }
}

type WaitingRow = { provider_id: string; phone_sealed: Buffer; body_sealed: Buffer; sent_at: number | null }
type OwnerRow = {
  home_id: string | null
  supervised_at: string | null
  ref: string
  name_sealed: Buffer | null
  name: string | null
  language: 'zh' | 'en'
}

async function owners(database: Database, sealing: Sealing, phone: string): Promise<PhoneOwner[]> {
  const { rows } = await database.query<OwnerRow>(OWNERS, [sealing.phoneHash(phone)])
  return rows.map((row) => ({
    homeId: row.home_id,
    supervisedAt: row.supervised_at,
    ref: row.ref,
    name: nameOf(sealing, row.name_sealed, row.name),
    language: row.language,
  }))
}
