import { between, rounded, seededRandom, seedFor } from './seeded.ts'

/** The simulated community lies in China: one time zone, UTC+8, no summer time. */
export const COMMUNITY_OFFSET_MS = 8 * 3_600_000
const MINUTE_MS = 60_000
const DAY_MS = 24 * 60 * MINUTE_MS

/** The community's clock: whole days since 1970 and minutes since midnight. */
export function communityTime(atMs: number): { day: number; minute: number } {
  const local = atMs + COMMUNITY_OFFSET_MS
  return { day: Math.floor(local / DAY_MS), minute: (local % DAY_MS) / MINUTE_MS }
}

/** The minutes between which nobody is in bed, and the visit to the bathroom, always shorter than any rule waits. */
type Habits = { upAt: number; toBedAt: number; bathroomFrom: number; bathroomTo: number }

function habitsOf(seed: number, homeId: string, day: number): Habits {
  const random = seededRandom(seedFor(seed, homeId, day))
  const bathroomFrom = between(random, 90, 270)
  return {
    upAt: between(random, 380, 430),
    toBedAt: between(random, 1260, 1315),
    bathroomFrom,
    bathroomTo: bathroomFrom + between(random, 2, 4.5),
  }
}

/** Whether the bed is occupied in an ordinary night: to bed before 22:00, up after 06:20, out once for under five minutes. */
export function bedOccupied(seed: number, homeId: string, atMs: number): boolean {
  const { day, minute } = communityTime(atMs)
  const habits = habitsOf(seed, homeId, day)
  if (minute >= habits.bathroomFrom && minute < habits.bathroomTo) return false
  return minute < habits.upAt || minute >= habits.toBedAt
}

export type SleepReading = {
  bedOccupied: boolean
  heartRatePerMin?: number
  respirationPerMin?: number
  movement: number
  signalQuality: number
}

/** A reading of a healthy sleeper, far from every limit; an empty bed has neither heart nor breath. */
export function sleepReading(occupied: boolean, random: () => number): SleepReading {
  if (!occupied) return { bedOccupied: false, movement: 0, signalQuality: 0 }
  return {
    bedOccupied: true,
    heartRatePerMin: Math.round(between(random, 56, 68)),
    respirationPerMin: Math.round(between(random, 13, 16)),
    movement: Math.round(between(random, 0, 6)),
    signalQuality: rounded(between(random, 0.85, 0.98), 2),
  }
}
