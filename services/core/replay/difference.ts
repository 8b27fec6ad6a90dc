/** What a replay found: ids, places and field names only, for its reader need not be somebody who may see the people. */
export type Difference = { homeId: string; what: DifferenceKind; id: string; detail: string }

type DifferenceKind =
  /** The home cannot be replayed: no state is kept to begin with. */
  'start' | 'home-state' | 'signal' | 'rejection' | 'pass' | 'answer' | 'timer' | 'incident' | 'event' | 'message'

/**
 * Where two JSON values differ first, as a path such as `devices[1].heardAt`; null when they are equal. What JSON leaves
 * out counts as absent, and the order of an object's keys does not count.
 */
export function firstDifference(recorded: unknown, replayed: unknown, path = ''): string | null {
  if (Object.is(recorded, replayed)) return null
  if (Array.isArray(recorded) && Array.isArray(replayed)) return inArrays(recorded, replayed, path)
  if (!isObject(recorded) || !isObject(replayed)) return recorded === replayed ? null : path || 'the whole'
  for (const key of new Set([...Object.keys(recorded), ...Object.keys(replayed)])) {
    const found = firstDifference(recorded[key], replayed[key], path === '' ? key : `${path}.${key}`)
    if (found !== null) return found
  }
  return null
}

function inArrays(recorded: unknown[], replayed: unknown[], path: string): string | null {
  for (let index = 0; index < Math.max(recorded.length, replayed.length); index += 1) {
    if (index >= recorded.length || index >= replayed.length) return `${path}[${index}]`
    const found = firstDifference(recorded[index], replayed[index], `${path}[${index}]`)
    if (found !== null) return found
  }
  return null
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
