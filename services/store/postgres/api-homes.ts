import type { PlacedDevice } from '../../../devices/observation.ts'
import type { HomeChange, HomeDetail, Homes, HomeView, NewHomeAsked, Scope } from '../../ports.ts'
import type { Sealing } from '../sealing.ts'
import { actorOf, announceChange, HOME_VISIBLE, isHomeVisible, readAudited, scopeValues, toPage } from './api-scope.ts'
import { writeAudit } from './audit.ts'
import { createGridCell, createHome, homeExists } from './homes.ts'
import { type Database, inTransaction, type Queryable } from './pool.ts'

const VIEW_COLUMNS = `h.home_id, h.label, h.grid_cell_id, h.time_zone, h.language, h.resident_sealed, h.test_mode_until,
  (select s.state from home_state s where s.home_id = h.home_id) as state,
  coalesce((select json_agg(json_build_object('deviceId', d.device_id, 'kind', d.kind, 'room', d.room,
                                              'gatewayId', d.gateway_id, 'convention', d.convention, 'address', d.address,
                                              'retired', false) order by d.device_id)
     from device d where d.home_id = h.home_id and d.retired_at is null), '[]') as devices`

type ViewRow = {
  home_id: string
  label: string
  grid_cell_id: string
  time_zone: string
  language: 'zh' | 'en'
  resident_sealed: Buffer | null
  test_mode_until: number | null
  state: unknown
  devices: PlacedDevice[]
}
type DetailRow = ViewRow & {
  address_sealed: Buffer | null
  notes_sealed: Buffer | null
  settings: Record<string, unknown>
}

export function createHomes(pool: Database, sealing: Sealing): Homes {
  return {
    list: (scope, { limit, cursor }) =>
      readAudited(
        pool,
        scope,
        async (tx) => {
          const { rows } = await tx.query<ViewRow>({
            name: 'api-homes',
            text: `select ${VIEW_COLUMNS} from home h
                   where ${HOME_VISIBLE} and ($3::text is null or h.home_id > $3) order by h.home_id limit $4`,
            values: [...scopeValues(scope), cursor, limit + 1],
          })
          return toPage(
            rows,
            limit,
            (row) => toView(row, scope, sealing),
            (row) => row.home_id,
          )
        },
        ({ items }) => {
          if (!scope.personal || items.length === 0) return null
          // One row for the whole look: pages look each minute, and there may be a thousand homes.
          return { action: 'homes.read', detail: { homeIds: items.map((home) => home.homeId) } }
        },
      ),
    read: (scope, homeId) =>
      readAudited(
        pool,
        scope,
        (tx) => readHome(tx, sealing, scope, homeId),
        (home) => (home && scope.personal ? { action: 'home.read', homeId } : null),
      ),
    create: (scope, home) => inTransaction(pool, (tx) => createWithin(tx, sealing, scope, home)),
    change: (scope, homeId, change) =>
      inTransaction(pool, async (tx) => {
        if (!(await isHomeVisible(tx, scope, homeId))) return false
        await changeHome(tx, sealing, homeId, change)
        await announceChange(tx, { kind: 'home', homeId, ref: homeId })
        const fields = Object.keys(change).filter((field) => change[field as keyof HomeChange] !== undefined)
        await writeAudit(tx, { actor: actorOf(scope), action: 'home.changed', homeId, detail: { fields } })
        return true
      }),
    async visibleIds(scope) {
      const { rows } = await pool.query<{ home_id: string }>({
        name: 'api-visible-homes',
        text: `select h.home_id from home h where ${HOME_VISIBLE}`,
        values: scopeValues(scope),
      })
      return new Set(rows.map((row) => row.home_id))
    },
  }
}

async function readHome(tx: Queryable, sealing: Sealing, scope: Scope, homeId: string): Promise<HomeDetail | null> {
  const { rows } = await tx.query<DetailRow>({
    name: 'api-home',
    text: `select ${VIEW_COLUMNS}, h.address_sealed, h.notes_sealed, h.settings - 'escalation' as settings
           from home h where h.home_id = $3 and ${HOME_VISIBLE}`,
    values: [...scopeValues(scope), homeId],
  })
  const row = rows[0]
  if (!row) return null
  return {
    ...toView(row, scope, sealing),
    address: scope.personal ? opened(row.address_sealed, sealing) : null,
    notes: scope.personal ? opened(row.notes_sealed, sealing) : null,
    // Checked when they came in.
    settings: row.settings as Record<string, number>,
  }
}

function toView(row: ViewRow, scope: Scope, sealing: Sealing): HomeView {
  return {
    homeId: row.home_id,
    label: row.label,
    gridCellId: row.grid_cell_id,
    timeZone: row.time_zone,
    language: row.language,
    residentName: scope.personal ? opened(row.resident_sealed, sealing) : null,
    testModeUntil: row.test_mode_until,
    devices: row.devices,
    state: row.state,
  }
}

function opened(sealed: Buffer | null, sealing: Sealing): string | null {
  return sealed === null ? null : sealing.open(sealed)
}

async function createWithin(
  tx: Queryable,
  sealing: Sealing,
  scope: Scope,
  home: NewHomeAsked,
): Promise<'created' | 'already-exists' | 'unknown-grid-cell'> {
  const { homeId, gridCellId, newGridCell } = home
  if (await homeExists(tx, homeId)) return 'already-exists'
  const timeZone = home.timeZone ?? 'Asia/Shanghai'
  const { rowCount } = await tx.query('select 1 from grid_cell where grid_cell_id = $1', [gridCellId])
  if (rowCount === 0) {
    if (newGridCell === null) return 'unknown-grid-cell'
    await createGridCell(tx, { gridCellId, timeZone, ...newGridCell })
    await writeAudit(tx, { actor: actorOf(scope), action: 'grid-cell.created', subject: gridCellId })
  }
  await createHome(tx, sealing, { homeId, gridCellId, label: home.label, language: home.language ?? 'zh', timeZone })
  await changeHome(tx, sealing, homeId, home)
  await announceChange(tx, { kind: 'home', homeId, ref: homeId })
  await writeAudit(tx, { actor: actorOf(scope), action: 'home.created', homeId })
  return 'created'
}

/** What is undefined stays as it is. The rules' overrides are replaced, the escalation's are kept. */
async function changeHome(tx: Queryable, sealing: Sealing, homeId: string, change: HomeChange): Promise<void> {
  const sets: string[] = []
  const values: unknown[] = [homeId]
  const set = (column: string, value: unknown, write = (place: string) => place) => {
    if (value === undefined) return
    values.push(value)
    sets.push(`${column} = ${write(`$${values.length}`)}`)
  }
  const sealed = (text: string | null | undefined) => (typeof text === 'string' ? sealing.seal(text) : text)
  set('label', change.label)
  set('time_zone', change.timeZone)
  set('language', change.language)
  set('resident_sealed', sealed(change.residentName))
  set('address_sealed', sealed(change.address))
  set('notes_sealed', sealed(change.notes))
  set('test_mode_until', change.testModeUntil, (place) => `to_timestamp(${place}::float8 / 1000)`)
  set('settings', change.settings && JSON.stringify(change.settings), (place) => {
    const kept = `case when settings ? 'escalation' then jsonb_build_object('escalation', settings -> 'escalation') else '{}' end`
    return `${place}::jsonb || ${kept}`
  })
  if (sets.length > 0) await tx.query(`update home set ${sets.join(', ')} where home_id = $1`, values)
}
