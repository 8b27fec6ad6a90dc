import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { readConfig } from '../config.ts'
import { readKeys } from '../keys.ts'
import { createContact, createDevice, createGridCell, createHome } from '../store/postgres/homes.ts'
import { type Database, inTransaction, openPool, type Queryable } from '../store/postgres/pool.ts'
import { createSealing, type Sealing } from '../store/sealing.ts'

/**
 * Invented homes by the thousand for the benchmark, straight into the database at DATABASE_URL with the keys of
 * ANLIN_DATA: through the API they would take longer than what is measured. Writes an accounts file like demo.json.
 *
 *   node services/testing/seed-homes.ts --homes 2000 --gateway-lost-seconds 3600 --to FILE
 */

const HOMES_PER_TRANSACTION = 100
const CELL = 'cell-bench'

const string = { type: 'string' } as const
const { values } = parseArgs({ options: { homes: string, 'gateway-lost-seconds': string, to: string } })
const { homes: count, 'gateway-lost-seconds': gatewayLostSeconds, to } = values
if (!count || !gatewayLostSeconds || !to) throw new Error('--homes, --gateway-lost-seconds and --to are expected')
const config = readConfig(process.env, join(import.meta.dirname, '..', '..'))
if (!config.databaseUrl) throw new Error('DATABASE_URL is expected')
const pool = await openPool(config.databaseUrl, { max: 2, name: 'seed' })
const homes = await seed(pool, createSealing(readKeys(config).dataKey), Number(count))
await pool.query('update home set settings = $1 where grid_cell_id = $2', [
  { gatewayLostSeconds: Number(gatewayLostSeconds) },
  CELL,
])
writeFileSync(to, JSON.stringify({ mqtt: `mqtt://127.0.0.1:${config.mqtt.port}`, homes }), { mode: 0o600 })
await pool.end()

async function seed(database: Database, sealing: Sealing, count: number) {
  await createGridCell(database, {
    gridCellId: CELL,
    community: '安邻社区',
    name: '测量网格',
    timeZone: 'Asia/Shanghai',
  })
  const seeded: Awaited<ReturnType<typeof seedHome>>[] = []
  while (seeded.length < count) {
    const most = Math.min(count, seeded.length + HOMES_PER_TRANSACTION)
    await inTransaction(database, async (tx) => {
      while (seeded.length < most) seeded.push(await seedHome(tx, sealing, seeded.length + 1))
    })
  }
  return seeded
}

async function seedHome(tx: Queryable, sealing: Sealing, number: number) {
  const homeId = `bench-${String(number).padStart(5, '0')}`
  const phone = `+861550${1_000_000 + number}`
  await createHome(tx, sealing, { homeId, gridCellId: CELL, label: homeId, language: 'zh', timeZone: 'Asia/Shanghai' })
  const role = 'family-keyholder'
  await createContact(tx, sealing, {
    homeId,
    contactId: 'keyholder',
    name: homeId,
    role,
    phone,
    language: 'zh',
    position: 0,
  })
  const devices: { id: string; kind: string; username: string; password: string; gatewayId?: string }[] = []
  const place = async (
    deviceId: string,
    kind: Parameters<typeof createDevice>[2]['kind'],
    gatewayId: string | null,
  ) => {
    const credentials = await createDevice(tx, sealing, { homeId, deviceId, kind, room: null, gatewayId })
    devices.push({ id: deviceId, kind, ...credentials, ...(gatewayId ? { gatewayId } : {}) })
  }
  await place('gateway', 'gateway', null)
  await place('sleep-bed', 'sleep-monitor', 'gateway')
  await place('gas-kitchen', 'gas-detector', 'gateway')
  await place('sos-bath', 'sos-button', null)
  return { id: homeId, contacts: [{ role, phone }], devices }
}
