/** A place in the log. Commit order is (xid, id), never id alone (ARCHITECTURE.md, "The cursor"). */
export type LogPosition = { xid: bigint; id: number }

export function isAfter(one: LogPosition, other: LogPosition): boolean {
  return one.xid > other.xid || (one.xid === other.xid && one.id > other.id)
}
