import { describe, expect, it } from 'vitest'
import { sinceDueAt } from './since.ts'

const MINUTE = 60_000

describe('when something will have held for long enough', () => {
  it('counts from when it began by the device, not from when it was heard', () => {
    expect(sinceDueAt({ at: 0, receivedAt: 5_000, lastAt: 0, lastReceivedAt: 5_000 }, 15 * MINUTE)).toBe(15 * MINUTE)
  })

  it('waits a moment for the rest of a backlog, however often more of it comes', () => {
    const receivedAt = 60 * MINUTE
    const dueAfter = (later: number) =>
      sinceDueAt({ at: 0, receivedAt, lastAt: MINUTE, lastReceivedAt: receivedAt + later }, 15 * MINUTE) - receivedAt
    expect(dueAfter(0)).toBe(10_000)
    expect(dueAfter(MINUTE)).toBe(MINUTE + 10_000)
    expect(dueAfter(15 * MINUTE - 1_000), 'never longer than if it had come in time').toBe(15 * MINUTE)
  })
})
