import type { HomeSettings } from './settings.ts'

/** A formatter costs a thousand readings to make, so each zone keeps one. There are some 600 zones in all. */
const clocks = new Map<string, Intl.DateTimeFormat>()
/** A zone nobody knows must not stop a home's rules; the edge refuses it before it comes here. */
const FALLBACK_ZONE = 'Asia/Shanghai'

function clockOf(timeZone: string): Intl.DateTimeFormat {
  const known = clocks.get(timeZone)
  if (known !== undefined) return known
  const clock = makeClock(timeZone) ?? clockOf(FALLBACK_ZONE)
  clocks.set(timeZone, clock)
  return clock
}

function makeClock(timeZone: string): Intl.DateTimeFormat | null {
  try {
    return new Intl.DateTimeFormat('en-GB', { timeZone, hour: '2-digit', minute: '2-digit', hourCycle: 'h23' })
  } catch {
    return null
  }
}

/** Whether it is night in the home; the window may pass midnight. The answer is for any moment a Date can hold. */
export function isNight(at: number, timeZone: string, settings: HomeSettings): boolean {
  const text = clockOf(timeZone).format(at)
  const minute = Number(text.slice(0, 2)) * 60 + Number(text.slice(3, 5))
  const { nightStartMinuteOfDay: start, nightEndMinuteOfDay: end } = settings
  return start <= end ? minute >= start && minute < end : minute >= start || minute < end
}
