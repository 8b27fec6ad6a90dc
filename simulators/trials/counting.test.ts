import { expect, test } from 'vitest'
import { countPresses } from './counting.ts'

/** Presses a second apart, of four buttons in turn. */
const BUTTONS = ['b1', 'b2', 'b3', 'b4'] as const
const presses = (count: number, acknowledged = true) =>
  Array.from({ length: count }, (_, at) => ({
    button: BUTTONS[at % 4] ?? 'b1',
    atMs: at * 1_000,
    acknowledgedAt: acknowledged ? 0 : null,
  }))
const own = (count: number) => presses(count).map(({ button, atMs }) => ({ button, atMs: atMs + 40 }))

test('a press that came once is neither lost nor doubled, also where the clocks differ a little', () => {
  const early = own(8).map(({ button, atMs }) => ({ button, atMs: atMs - 50 }))
  expect(countPresses(presses(8), own(8), own(8))).toEqual({ lost: 0, doubled: 0 })
  expect(countPresses(presses(8), early, early)).toEqual({ lost: 0, doubled: 0 })
})

test('one press doubled and the next one lost are both seen, though there are as many incidents and alarms as presses', () => {
  // The first opens again where the second should have.
  const came = [{ button: 'b1', atMs: 1_040 }, ...own(8).filter(({ button, atMs }) => button !== 'b2' || atMs > 2_000)]
  expect(came).toHaveLength(8)
  expect(countPresses(presses(8), came, came)).toEqual({ lost: 1, doubled: 1 })
})

test('an incident without an alarm is a lost press, and so is an alarm without an incident', () => {
  expect(countPresses(presses(4), own(4), own(3))).toEqual({ lost: 1, doubled: 0 })
  expect(countPresses(presses(4), own(3), own(4))).toEqual({ lost: 1, doubled: 0 })
})

test('what nobody acknowledged may be missing; an incident of a button that nobody pressed is one too many', () => {
  expect(countPresses(presses(4, false), own(2), own(2))).toEqual({ lost: 0, doubled: 0 })
  expect(countPresses(presses(1), [...own(1), { button: 'b2', atMs: 40 }], own(1))).toEqual({ lost: 0, doubled: 1 })
})
