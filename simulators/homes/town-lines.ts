import type { DemoHome, DeviceAccount } from './demo-file.ts'
import { sleepReading } from './resident.ts'
import { gasReading } from './rhythm.ts'
import { type Random, seededRandom, seedFor } from './seeded.ts'

/** A sleep monitor speaks every 10 s, a gas detector every 60 s: six readings of sleep to one of gas. */
const MESSAGES_PER_ROUND = 7
/** A home's messages a minute at life's own pace. */
export const MESSAGES_PER_HOME_AND_MINUTE = 7
/** Readings are made once and used again: the load is the broker's and the rules' to carry, not the generator's. */
const READINGS_MADE = 64

/** One account and what is said through it: a gateway's home, or a device that has a login of its own. */
export type Line = {
  account: DeviceAccount
  /** The id of the next message is `run` and a number; topic and payload change from one to the next. */
  next(nowMs: number): { topic: Buffer; payload: string }
}

type Voice = { topic: Buffer; readings: string[] }

function voiceOf(homeId: string, device: DeviceAccount, random: Random): Voice {
  const read = device.kind === 'sleep-monitor' ? () => sleepReading(true, random) : () => gasReading(random, 88)
  // Everything after the id and the time: {"bedOccupied":… without its opening brace.
  const readings = Array.from({ length: READINGS_MADE }, () => JSON.stringify(read()).slice(1))
  return { topic: Buffer.from(`care/v1/${homeId}/${device.id}/telemetry`), readings }
}

function lineOf(account: DeviceAccount, voices: Voice[], run: string): Line {
  let count = 0
  return {
    account,
    next(nowMs) {
      const isGas = count % MESSAGES_PER_ROUND === MESSAGES_PER_ROUND - 1
      const voice = voices[isGas ? voices.length - 1 : 0]
      if (!voice) throw new Error(`${account.username} has nothing to say`)
      const reading = voice.readings[count % READINGS_MADE] ?? '}'
      const payload = `{"id":"${run}-${count}","at":${nowMs},${reading}`
      count += 1
      return { topic: voice.topic, payload }
    },
  }
}

/**
 * The lines of these homes' sleep monitors and gas detectors. A device that names its `gatewayId` speaks through that
 * gateway's account, every other through its own. The same seed gives the same readings; `run` makes the ids unique.
 */
export function townLines(homes: DemoHome[], seed: number, run: string): Line[] {
  return homes.flatMap((home) => {
    const speakers = home.devices
      .filter((device) => device.kind === 'sleep-monitor' || device.kind === 'gas-detector')
      .sort((a, b) => (a.kind < b.kind ? 1 : -1))
    const byAccount = new Map<DeviceAccount, Voice[]>()
    for (const device of speakers) {
      const account = home.devices.find((other) => other.id === device.gatewayId) ?? device
      const voice = voiceOf(home.id, device, seededRandom(seedFor(seed, home.id, device.id)))
      byAccount.set(account, [...(byAccount.get(account) ?? []), voice])
    }
    return [...byAccount].map(([account, voices]) => lineOf(account, voices, run))
  })
}
