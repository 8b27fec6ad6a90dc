import type { DeviceAccount } from '../ports.ts'

const BURST_SECONDS = 10
/** A gateway's share ends here, however many devices stand behind it. */
const GATEWAY_MOST_PER_SECOND = 1_000

/** What one account may still send, shared by its connections. */
export type Allowance = { left: number; atMs: number; perSecond: number }

export function allowanceFor(account: DeviceAccount, ratePerAccount: number, nowMs: number): Allowance {
  const perSecond = ratePerSecond(account, ratePerAccount)
  return { left: perSecond * BURST_SECONDS, atMs: nowMs, perSecond }
}

export function ratePerSecond(account: DeviceAccount, ratePerAccount: number): number {
  const behind = account.devices.filter(({ deviceId }) => deviceId !== account.deviceId).length
  return Math.max(ratePerAccount, Math.min(ratePerAccount * behind, GATEWAY_MOST_PER_SECOND))
}

/** Takes what was read out of the allowance; answers how long to read nothing more, in ms, 0 for not at all. */
export function spend(allowance: Allowance, messages: number, nowMs: number): number {
  const { perSecond } = allowance
  const earned = ((nowMs - allowance.atMs) / 1000) * perSecond
  allowance.left = Math.min(allowance.left + earned, perSecond * BURST_SECONDS) - messages
  allowance.atMs = nowMs
  return allowance.left >= 0 ? 0 : Math.ceil((-allowance.left / perSecond) * 1000)
}
