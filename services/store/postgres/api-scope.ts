import type { PageOf, Scope } from '../../ports.ts'
import { writeAudit } from './audit.ts'
import { NOTIFY_CHANGE } from './changes-announce.ts'
import { type Database, inTransaction, type Queryable } from './pool.ts'

/**
 * Whether the home `h` lies within the scope whose `scopeValues` are $1 and $2. Memberships are read with every query,
 * so a right that was taken away is gone at once.
 */
export const HOME_VISIBLE = `case $1::text
    when 'all' then true
    when 'homes' then exists (select from home_member hm where hm.home_id = h.home_id and hm.user_id = $2::text)
    when 'cells' then exists (select from cell_member cm where cm.grid_cell_id = h.grid_cell_id and cm.user_id = $2::text)
    else false end`

export function scopeValues(scope: Scope): [string, string] {
  return [scope.reach, scope.userId]
}

export async function isHomeVisible(db: Queryable, scope: Scope, homeId: string): Promise<boolean> {
  const { rowCount } = await db.query({
    name: 'api-home-visible',
    text: `select 1 from home h where h.home_id = $3 and ${HOME_VISIBLE}`,
    values: [...scopeValues(scope), homeId],
  })
  return rowCount === 1
}

export function actorOf(scope: Scope): string {
  return `user:${scope.userId}`
}

type Entry = { action: string; homeId?: string | null; subject?: string | null; detail?: Record<string, unknown> }

/**
 * Reads, and writes down that somebody looked, in one transaction. The read comes first: the transaction holds a
 * number, which the readers of the log wait for, only from the audit row to the commit.
 * @param entry null: nothing personal was seen
 */
export function readAudited<T>(
  pool: Database,
  scope: Scope,
  read: (tx: Queryable) => Promise<T>,
  entry: (seen: T) => Entry | null,
): Promise<T> {
  return inTransaction(pool, async (tx) => {
    const seen = await read(tx)
    const what = entry(seen)
    if (what !== null) await writeAudit(tx, { actor: actorOf(scope), ...what })
    return seen
  })
}

/** The pages have to look at a home or one of its devices again. */
export async function announceChange(
  tx: Queryable,
  change: { kind: 'home' | 'device'; homeId: string; ref: string },
): Promise<void> {
  await tx.query('insert into change (kind, home_id, ref) values ($1, $2, $3)', [
    change.kind,
    change.homeId,
    change.ref,
  ])
  // Within the transaction: somebody's own act is rare, and nothing may forget it after the commit.
  await tx.query(NOTIFY_CHANGE)
}

/** One row more than the page holds says that there is another page; its cursor is made of the last row shown. */
export function toPage<Row, Item>(
  rows: Row[],
  limit: number,
  toItem: (row: Row) => Item,
  cursorOf: (row: Row) => string,
): PageOf<Item> {
  const shown = rows.slice(0, limit)
  const last = shown.at(-1)
  return {
    items: shown.map(toItem),
    nextCursor: rows.length > limit && last !== undefined ? cursorOf(last) : null,
  }
}
