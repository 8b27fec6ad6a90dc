import { accountOf } from './device-account.ts'
import type { Reading } from './device-clock.ts'
import type { PlacedDevice, RawMessage } from './observation.ts'
import { isLastAgain, type Mark, type RecentMessages } from './recent-messages.ts'

const FRESH_MS = 60_000
/** A time before this is a clock that was never set and counts from its own beginning. */
const CLOCKS_SET_AFTER = Date.UTC(2020, 0, 1)

/** `alarming`: somebody is to come: not a test, and not the end of an alarm. `said`: the time that it says, uncorrected. */
type KeptOrSaid = { alarming: boolean; said: number | null; reading: Reading; mark: Mark; hasId: boolean }

/**
 * Whether an event with RETAIN is only what some broker kept. We are the broker of a device that has an account of its
 * own: what it publishes it says now. A replay can only come through a gateway. There a time tells, and where the
 * message has none that says anything, an alarm is taken unless it is what was heard last: a doubled alarm is cheaper
 * than a lost one, while an end of alarm that was kept from earlier must take nothing back.
 */
export function isKeptEvent(raw: RawMessage, placed: PlacedDevice, events: RecentMessages, event: KeptOrSaid): boolean {
  if (placed.kind !== 'gateway' && raw.account === accountOf(raw.homeId, placed.deviceId)) return false
  const { alarming, said, reading, mark, hasId } = event
  if (reading.believed) return raw.receivedAt - reading.at > FRESH_MS
  if (said !== null && said >= CLOCKS_SET_AFTER && said < raw.receivedAt - FRESH_MS) return true
  return !alarming || isLastAgain(events, mark, hasId, raw.receivedAt)
}
