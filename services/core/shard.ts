/** The log is read in this many independent pieces. Stored with every row: changing it means renumbering the log. */
export const SHARD_COUNT = 64
export const SHARDS: readonly number[] = Array.from({ length: SHARD_COUNT }, (_, shard) => shard)

/** A home's shard, for ever the same: FNV-1a over the id's UTF-16 units. */
export function shardOf(homeId: string): number {
  let hash = 0x811c9dc5
  for (let index = 0; index < homeId.length; index += 1) {
    hash = Math.imul(hash ^ homeId.charCodeAt(index), 0x01000193)
  }
  return (hash >>> 0) % SHARD_COUNT
}
