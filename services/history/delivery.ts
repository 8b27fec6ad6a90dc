import type { HistoryDeadLetter, HistoryErrorCode, HistoryStore, MeasuredPoint } from '../ports.ts'

/**
 * More refused points than this in one batch are not the points' fault: something is wrong with the store or with us,
 * and setting them aside one by one would eat everybody's data. The history stops instead.
 */
export const MAX_REFUSED_PER_BATCH = 16

/** Why the history stands still until somebody does something. */
export type StopReason = 'denied' | 'capacity' | 'too-many-refused'

class TooManyRefused extends Error {
  readonly code = 'too-many-refused'
}

/**
 * Resolves when every point is stored but those that come back: the store will never take them as they are.
 * @throws when points may be missing; the same batch then goes again
 */
export async function deliver(store: HistoryStore, points: readonly MeasuredPoint[]): Promise<HistoryDeadLetter[]> {
  const refused: HistoryDeadLetter[] = []
  await deliverPart(store, points, refused)
  return refused
}

/** Halves a refused batch until the refused points stand alone. What was stored already is stored again, and the same. */
async function deliverPart(
  store: HistoryStore,
  points: readonly MeasuredPoint[],
  refused: HistoryDeadLetter[],
): Promise<void> {
  const [first] = points
  if (first === undefined) return
  try {
    await store.append(points)
  } catch (error) {
    if (!isRefused(error)) throw error
    if (points.length > 1) {
      const middle = Math.ceil(points.length / 2)
      await deliverPart(store, points.slice(0, middle), refused)
      await deliverPart(store, points.slice(middle), refused)
      return
    }
    refused.push({ point: first, reason: error instanceof Error ? error.message : String(error) })
    if (refused.length > MAX_REFUSED_PER_BATCH) {
      throw new TooManyRefused('the history store refuses point after point', { cause: error })
    }
  }
}

/** The store will never take one of the points as it is. */
export function isRefused(error: unknown): boolean {
  return errorCode(error) === 'refused'
}

export function stopReasonOf(error: unknown): StopReason | null {
  const code = errorCode(error)
  return code === 'denied' || code === 'capacity' || code === 'too-many-refused' ? code : null
}

/** How long the store asked to be left alone, if it did. */
export function retryAfterMsOf(error: unknown): number | null {
  return error instanceof Error && 'retryAfterMs' in error && typeof error.retryAfterMs === 'number'
    ? error.retryAfterMs
    : null
}

function errorCode(error: unknown): HistoryErrorCode | 'too-many-refused' {
  if (!(error instanceof Error && 'code' in error)) return 'unavailable'
  switch (error.code) {
    case 'refused':
    case 'denied':
    case 'capacity':
    case 'too-many-refused':
      return error.code
    default:
      return 'unavailable'
  }
}
