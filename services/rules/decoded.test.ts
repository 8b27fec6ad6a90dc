import { afterAll, beforeAll, expect, test } from 'vitest'
import { logHintKey } from '../core/log-hint.ts'
import { shardOf } from '../core/shard.ts'
import type { DecodedSegment, FoldStore, LogPosition } from '../ports.ts'
import { createTestDatabase, type TestDatabase } from '../testing/postgres.ts'
import { append, holdPassOver, placeHome, startBench, tallyOf } from './testing/rules-bench.ts'

/** What the rules hand over of what they decoded: every row of a stretch of a shard, or nothing of it. */

let database: TestDatabase
beforeAll(async () => {
  database = await createTestDatabase()
  for (const homeId of ['home-a', 'home-b', 'home-c', 'home-d']) await placeHome(database.pool, homeId)
})
afterAll(() => database.close())

/** Each segment's rows are all that the log has between its ends. */
async function expectWhole(segments: readonly DecodedSegment[]): Promise<void> {
  for (const { from, to, rows } of segments) {
    const { rows: stand } = await database.pool.query<LogPosition>(
      'select xid, id from observation_log where shard = $1 and (xid, id) > ($2, $3) and (xid, id) <= ($4, $5) order by xid, id',
      [to.shard, from.xid, from.id, to.xid, to.id],
    )
    expect(rows.map(({ row }) => placeOf(row))).toEqual(stand.map(placeOf))
  }
}

const placeOf = ({ xid, id }: LogPosition) => ({ xid, id })
const readings = (homeId: string, count: number) =>
  Array.from({ length: count }, (_, n) => ({ homeId, payload: `n ${n}` }))

async function positions(homeId: string): Promise<LogPosition[]> {
  const { rows } = await database.pool.query<LogPosition>(
    'select xid, id from observation_log where home_id = $1 order by xid, id',
    [homeId],
  )
  return rows.map(placeOf)
}

test('each committed pass hands over the stretch it passed, and each begins where the one before ended', async () => {
  const { pool } = database
  const offered: DecodedSegment[] = []
  const bench = await startBench(pool, { decoded: { offer: (segment) => void offered.push(segment) } })
  // The new homes' facts are taken in, so that no timer's pass comes first.
  await bench.worker.processAll()
  for (let batch = 0; batch < 3; batch += 1) {
    await append(pool, readings('home-a', 10))
    await bench.worker.processAll()
  }
  await bench.worker.close()
  const all = await positions('home-a')
  expect(offered.length).toBeGreaterThanOrEqual(3)
  expect(offered.at(-1)?.to).toMatchObject(all.at(-1) ?? {})
  for (const [index, { from }] of offered.entries()) {
    if (index > 0) expect(placeOf(from)).toEqual(placeOf(offered[index - 1]?.to ?? from))
  }
  expect(offered.flatMap(({ rows }) => rows.map(({ row }) => placeOf(row)))).toEqual(all)
  await expectWhole(offered)
})

test('a stretch with rows that the alarm lane had folded before is not handed over, for they were not decoded with it', async () => {
  const { pool } = database
  const shard = shardOf('home-b')
  const offered: DecodedSegment[] = []
  const held = holdPassOver('home-a')
  const bench = await startBench(pool, {
    store: held.store,
    decoded: { offer: (segment) => void offered.push(segment) },
  })
  await append(pool, readings('home-a', 1))
  const pass = bench.worker.onHint(logHintKey({ shard: shardOf('home-a'), homeId: null }))
  // A pass over another shard is in hand, so the alarm is folded beside it.
  await held.begun
  await append(pool, [...readings('home-b', 3), { homeId: 'home-b', payload: 'press', urgent: true }])
  void bench.worker.onHint(logHintKey({ shard, homeId: 'home-b' }))
  await expect.poll(() => bench.hinted, { timeout: 10_000 }).toEqual(['incident home-b'])
  held.goOn()
  await pass
  await bench.worker.processAll()
  await append(pool, readings('home-b', 2))
  await bench.worker.processAll()
  await bench.worker.close()
  const ofB = offered.filter(({ to }) => to.shard === shard)
  const rows = ofB.flatMap((segment) => segment.rows.map(({ row }) => placeOf(row)))
  expect(rows).toEqual((await positions('home-b')).slice(-2))
  await expectWhole(ofB)
})

test('a stretch with a row that makes the fold throw is not handed over, and costs nobody a long turn', async () => {
  const { pool } = database
  const offered: DecodedSegment[] = []
  const bench = await startBench(pool, { decoded: { offer: (segment) => void offered.push(segment) } })
  await bench.worker.processAll()
  await append(pool, [...readings('home-d', 600), { homeId: 'home-d', payload: 'poison' }, ...readings('home-d', 2)])
  await bench.worker.processAll()
  expect((await tallyOf(pool, 'home-d')).rows).toHaveLength(602)
  await bench.worker.close()
  await expectWhole(offered.filter(({ to }) => to.shard === shardOf('home-d')))
})

test('a pass that loses its race hands over nothing', async () => {
  const { pool } = database
  const offered: DecodedSegment[] = []
  let losing = true
  const losingOnce = (store: FoldStore): FoldStore => ({
    ...store,
    async commit(commit) {
      if (!losing || commit.cursors.length === 0) return store.commit(commit)
      losing = false
      expect(offered).toEqual([])
      return null
    },
  })
  const bench = await startBench(pool, {
    store: losingOnce,
    decoded: { offer: (segment) => void offered.push(segment) },
  })
  await append(pool, readings('home-c', 4))
  await bench.worker.processAll()
  await bench.worker.close()
  expect(losing).toBe(false)
  const rows = offered.flatMap((segment) => segment.rows.map(({ row }) => row))
  expect(rows.filter(({ homeId }) => homeId === 'home-c').map(placeOf)).toEqual(await positions('home-c'))
})
