import type { IngestLimits } from './limits.ts'

/** That commits still fail is said so often, and at once where the reason is another one. */
const TELL_EVERY_MS = 1_000
/**
 * Nobody is there, or nobody yet: to ask again costs next to nothing, and a press may be waiting. Who is there and refuses (a
 * full disk, a standby) is asked ever more seldom, for each refusal costs a connection and what the statement had begun.
 */
const NOBODY_THERE = new Set(['ECONNREFUSED', 'ENOENT', 'ECONNRESET', '57P01', '57P02', '57P03'])

export type CommitRetries = {
  /** Of a commit that failed for `code`: when it is tried again, and whether it is worth a line in the log. */
  failed(code: string, nowMs: number): { pauseMs: number; isTold: boolean }
  /** One has succeeded. */
  reset(): void
}

export function createCommitRetries({
  retryMs,
  retryMaxMs,
}: Pick<IngestLimits, 'retryMs' | 'retryMaxMs'>): CommitRetries {
  let refusedMs = retryMs
  let told = { code: '', atMs: Number.NEGATIVE_INFINITY }
  return {
    failed(code, nowMs) {
      const isTold = code !== told.code || nowMs - told.atMs >= TELL_EVERY_MS
      if (isTold) told = { code, atMs: nowMs }
      if (NOBODY_THERE.has(code)) return { pauseMs: retryMs, isTold }
      const pauseMs = refusedMs
      refusedMs = Math.min(refusedMs * 2, retryMaxMs)
      return { pauseMs, isTold }
    },
    reset() {
      refusedMs = retryMs
    },
  }
}
