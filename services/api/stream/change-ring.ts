import type { Change } from '../../ports.ts'

/** The latest changes, so that a page that lost its connection for a moment goes on where it was. */
export type ChangeRing = {
  push(change: Change): void
  /** The id of the newest; null while there is none. */
  newest(): string | null
  /** What came after it, oldest first; null when that id is no longer held (or never was). */
  after(id: string): Change[] | null
}

export function createChangeRing(size: number): ChangeRing {
  const held: Change[] = []
  let start = 0
  return {
    push(change) {
      if (held.length < size) held.push(change)
      else {
        held[start] = change
        start = (start + 1) % size
      }
    },
    newest() {
      const last = held[(start + held.length - 1) % held.length]
      return last ? eventIdOf(last) : null
    },
    after(id) {
      const ordered = [...held.slice(start), ...held.slice(0, start)]
      const index = ordered.findIndex((change) => eventIdOf(change) === id)
      return index === -1 ? null : ordered.slice(index + 1)
    },
  }
}

/** The place in commit order: the same in every process. */
export function eventIdOf({ xid, id }: Pick<Change, 'xid' | 'id'>): string {
  return `${xid}-${id}`
}
