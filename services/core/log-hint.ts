/**
 * The key of a `log` hint: which shard has new rows, and, where an alarm is among them, of which home. Without a shard: some
 * shard has, look which.
 */
export type LogHint = { shard: number; homeId: string | null } | typeof SOME_SHARD
const SOME_SHARD = { shard: null, homeId: null } as const
const SOME_SHARD_KEY = ''

export function logHintKey({ shard, homeId }: { shard: number; homeId: string | null }): string {
  return homeId === null ? String(shard) : `${shard}/${homeId}`
}

export function readLogHint(key: string): LogHint {
  if (key === SOME_SHARD_KEY) return SOME_SHARD
  const slash = key.indexOf('/')
  return slash < 0
    ? { shard: Number(key), homeId: null }
    : { shard: Number(key.slice(0, slash)), homeId: key.slice(slash + 1) }
}

/** An alarm's hint as it is; those of all shards become the same, where each hint costs more than a look at all of them. */
export function coarseLogHintKey(key: string): string {
  return key.includes('/') ? key : SOME_SHARD_KEY
}
