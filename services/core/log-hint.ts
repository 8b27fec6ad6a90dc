/** The key of a `log` hint: which shard has new rows, and, where an alarm is among them, of which home. */
export type LogHint = { shard: number; homeId: string | null }

export function logHintKey({ shard, homeId }: LogHint): string {
  return homeId === null ? String(shard) : `${shard}/${homeId}`
}

export function readLogHint(key: string): LogHint {
  const slash = key.indexOf('/')
  return slash < 0
    ? { shard: Number(key), homeId: null }
    : { shard: Number(key.slice(0, slash)), homeId: key.slice(slash + 1) }
}
