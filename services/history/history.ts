import type { History, HistoryProgress, HistoryStore } from '../ports.ts'

/** History as pages ask for it: what is stored, and how much of the newest time is not there yet. */
export function createHistory(store: HistoryStore, progress: Pick<HistoryProgress, 'readBehindMs'>): History {
  return {
    async read(asked) {
      // Asked first: what arrives in between then counts as missing rather than as there.
      const behindMs = await progress.readBehindMs()
      return { points: await store.read(asked), behindMs }
    },
  }
}
