import type { PlacedDevice } from '../../../devices/observation.ts'
import { shardOf } from '../../core/shard.ts'
import type { Signal } from '../../core/signal.ts'
import type { ClockJump, DueHome, FoldStore, StoredFacts, StoredHome } from '../../ports.ts'
import { announcerOf } from './changes-announce.ts'
import { recordClosedEntrance, SAME_JUMP_WITHIN_S } from './entrance-watch.ts'
import { commitFold, RULES } from './fold-commit.ts'
import { readHomeRows, readLag, readUnread, readUrgentHomes } from './log-read.ts'
import { oldestOpenXidAgeMs } from './oldest-transaction.ts'
import { type Database, inTransaction, type Queryable } from './pool.ts'

const CLOCK_JUMP_LOCK = 726_542
/** The home id of inputs that concern the platform itself. */
const PLATFORM_HOME = '-'

const READ_HOMES = `
  select w.home_id, coalesce(s.version, 0) as version,
         coalesce(s.xid, '0') as xid, coalesce(s.id, 0) as id, coalesce(s.last_now, '-infinity') as last_now, s.wake_at,
         coalesce(s.facts_version, 0) as state_facts_version,
         coalesce(s.clock_epoch, (select max(epoch) from clock_jump), 0) as clock_epoch, s.state,
         h.settings_version, h.time_zone, h.language, h.settings, h.test_mode_until, coalesce(d.devices, '[]') as devices
  from unnest($1::text[]) w(home_id)
  left join home_state s on s.home_id = w.home_id
  left join home h on h.home_id = w.home_id
  left join lateral (
    select json_agg(json_build_object('deviceId', device_id, 'kind', kind, 'room', room, 'gatewayId', gateway_id,
                                      'convention', convention, 'address', address, 'retired', retired_at is not null) order by device_id) as devices
    from device d where d.home_id = w.home_id
  ) d on true`

type HomeRow = {
  home_id: string
  version: number
  xid: bigint
  id: number
  last_now: number
  wake_at: number | null
  state_facts_version: number
  clock_epoch: number
  state: unknown
  settings_version: number | null
  time_zone: string | null
  language: 'zh' | 'en' | null
  settings: unknown
  test_mode_until: number | null
  devices: PlacedDevice[]
}

/** What the rules worker reads and commits. `reader` names its cursors; the replay's and a test's may differ. */
export function createFoldStore(pool: Database, reader = RULES): FoldStore {
  let shardsOfReader: readonly number[] = []
  const announce = announcerOf(pool)
  return {
    async prepareCursors(shards) {
      shardsOfReader = shards
      await pool.query(
        'insert into log_cursor (reader, shard) select $1, unnest($2::smallint[]) on conflict do nothing',
        [reader, shards],
      )
    },
    readUnread: (asked) => readUnread(pool, { reader, facts: 'new', ...asked }),
    readUrgentHomes: (asked) => readUrgentHomes(pool, { reader, ...asked }),
    readHomeRows: (asked) => readHomeRows(pool, { reader, ...asked }),
    readHomes: (homeIds) => readHomes(pool, homeIds),
    readDueHomes: (limit) => readDueHomes(pool, shardsOfReader, limit),
    async commit(commit) {
      const raised = await commitFold(pool, reader, commit)
      if (raised !== null && commit.changes.length > 0) announce()
      return raised
    },
    readLag: () => readLag(pool, { reader, shards: shardsOfReader }),
    oldestOpenXidAgeMs: () => oldestOpenXidAgeMs(pool),
    recordClockJump: (jump) => recordClockJump(pool, jump),
    recordClosedEntrance: () => recordClosedEntrance(pool),
    async readClockJumps(epoch) {
      const { rows } = await pool.query<ClockJump>(
        `select epoch, gap_ms as "gapMs", extract(epoch from at)::float8 * 1000 as "atMs", cause
         from clock_jump where epoch > $1 order by epoch`,
        [epoch],
      )
      return rows
    },
    readHomesBeforeEpoch: (epoch, limit) =>
      readHomeKeys(pool, 'clock_epoch < $2 order by s.home_id limit $3', [shardsOfReader, epoch, limit]),
  }
}

async function readDueHomes(db: Queryable, shards: readonly number[], limit: number): Promise<DueHome[]> {
  const due = await readHomeKeys(db, 'wake_at <= platform_now() order by wake_at limit $2', [shards, limit])
  const { rows: changed } = await db.query<{ homeId: string; factsVersion: number }>(
    'select home_id as "homeId", version as "factsVersion" from home_facts_changed limit $1',
    [limit],
  )
  const homes = new Map(due.map((home) => [home.homeId, home]))
  for (const home of changed) homes.set(home.homeId, { ...home, shard: shardOf(home.homeId) })
  return [...homes.values()].filter((home) => shards.includes(home.shard))
}

async function readHomeKeys(db: Queryable, where: string, values: unknown[]): Promise<DueHome[]> {
  const { rows } = await db.query<DueHome>(
    `select s.home_id as "homeId", s.shard, coalesce(h.settings_version, 0) as "factsVersion"
     from home_state s left join home h on h.home_id = s.home_id where s.shard = any($1) and ${where}`,
    values,
  )
  return rows
}

async function readHomes(db: Queryable, homeIds: readonly string[]): Promise<StoredHome[]> {
  const { rows } = await db.query<HomeRow>({ name: 'fold-read-homes', text: READ_HOMES, values: [homeIds] })
  return rows.map((row) => ({
    homeId: row.home_id,
    shard: shardOf(row.home_id),
    version: row.version,
    xid: row.xid,
    id: row.id,
    lastNow: row.last_now,
    wakeAt: row.wake_at,
    factsVersion: row.state_facts_version,
    clockEpoch: row.clock_epoch,
    state: row.state,
    facts: toFacts(row),
  }))
}

function toFacts(row: HomeRow): StoredFacts {
  return {
    homeId: row.home_id,
    version: row.settings_version ?? 0,
    timeZone: row.time_zone ?? 'UTC',
    language: row.language ?? 'zh',
    settings: row.settings ?? {},
    testModeUntil: row.test_mode_until,
    devices: row.devices,
  }
}

/**
 * Several workers see the same jump within a second or two of each other: it is one. An entrance may have taken it for a
 * time in which it was closed.
 * The lock is a statement of its own: the next one's snapshot then sees what its last holder wrote.
 */
async function recordClockJump(pool: Database, jump: { gapMs: number; signal: Signal }): Promise<void> {
  await inTransaction(pool, async (tx) => {
    await tx.query('select pg_advisory_xact_lock($1)', [CLOCK_JUMP_LOCK])
    await tx.query(
      `with known as (
         update clock_jump set cause = 'clock'
         where cause <> 'clock' and abs(extract(epoch from at - platform_now())) < ${SAME_JUMP_WITHIN_S}
         returning 1
       ), jumped as (
         insert into clock_jump (gap_ms, at)
         select $1, platform_now() where not exists (
           select 1 from clock_jump where abs(extract(epoch from at - platform_now())) < ${SAME_JUMP_WITHIN_S})
         returning 1
       )
       insert into incident_input (home_id, body) select $2, $3 from (select * from jumped union all select * from known) seen
       limit 1`,
      [Math.round(jump.gapMs), PLATFORM_HOME, JSON.stringify({ type: 'SignalReceived', signal: jump.signal })],
    )
  })
}
