import type { Language } from './api-types.ts'

const JUST_NOW_MS = 5_000
const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS

export const localeOf: Record<Language, string> = { zh: 'zh-CN', en: 'en-GB' }

const formatters = new Map<string, Intl.DateTimeFormat>()

/** Making an Intl formatter is slow and a page draws every second, so each is made once; the keys are few. */
function formatter(language: Language, timeZone: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = JSON.stringify([language, timeZone, options])
  const known = formatters.get(key)
  if (known) return known
  const made = new Intl.DateTimeFormat(localeOf[language], { ...options, timeZone, hourCycle: 'h23' })
  formatters.set(key, made)
  return made
}

const CLOCK: Intl.DateTimeFormatOptions = { hour: '2-digit', minute: '2-digit' }
const DAY: Intl.DateTimeFormatOptions = { year: 'numeric', month: '2-digit', day: '2-digit' }
const DAY_AND_CLOCK: Intl.DateTimeFormatOptions = { month: 'short', day: 'numeric', ...CLOCK }

/** `08:40` in the home's zone; with the day in front when that is not the day of `nowMs` there. */
export function clockText(atMs: number, nowMs: number, timeZone: string, language: Language): string {
  const day = formatter(language, timeZone, DAY)
  const sameDay = day.format(atMs) === day.format(nowMs)
  return formatter(language, timeZone, sameDay ? CLOCK : DAY_AND_CLOCK).format(atMs)
}

/** `08:40:05` for logs, where the order within a minute matters. */
export function clockWithSeconds(atMs: number, timeZone: string, language: Language): string {
  return formatter(language, timeZone, { ...CLOCK, second: '2-digit' }).format(atMs)
}

/** The hour of the day, 0–23, in the home's zone. */
export function hourIn(atMs: number, timeZone: string): number {
  return Number(formatter('en', timeZone, { hour: '2-digit' }).format(atMs))
}

const relatives: Record<Language, Intl.RelativeTimeFormat> = {
  zh: new Intl.RelativeTimeFormat(localeOf.zh, { numeric: 'always', style: 'short' }),
  en: new Intl.RelativeTimeFormat(localeOf.en, { numeric: 'always', style: 'short' }),
}
const justNow: Record<Language, string> = { zh: '刚刚', en: 'just now' }

/** `3分钟前` / `3 min ago`, from the time of measurement. A time ahead of the clock is shown as just now. */
export function ageText(atMs: number, nowMs: number, language: Language): string {
  const ageMs = nowMs - atMs
  const relative = relatives[language]
  if (ageMs < JUST_NOW_MS) return justNow[language]
  if (ageMs < MINUTE_MS) return relative.format(-Math.floor(ageMs / 1_000), 'second')
  if (ageMs < HOUR_MS) return relative.format(-Math.floor(ageMs / MINUTE_MS), 'minute')
  if (ageMs < DAY_MS) return relative.format(-Math.floor(ageMs / HOUR_MS), 'hour')
  return relative.format(-Math.floor(ageMs / DAY_MS), 'day')
}

/** The time left until `atMs`: `45 秒` / `45 s`, from two minutes on `3 分钟` / `3 min`; `now` counts as 0. */
export function leftText(atMs: number, nowMs: number, language: Language): string {
  const leftSeconds = Math.max(0, Math.ceil((atMs - nowMs) / 1_000))
  if (leftSeconds < 120) return language === 'zh' ? `${leftSeconds} 秒` : `${leftSeconds} s`
  const minutes = Math.ceil(leftSeconds / 60)
  return language === 'zh' ? `${minutes} 分钟` : `${minutes} min`
}

/** The other zone's line for a viewer elsewhere, or null where both clocks show the same. */
export function viewersClock(atMs: number, homeZone: string, language: Language): string | null {
  const ownZone = Intl.DateTimeFormat().resolvedOptions().timeZone
  const own = formatter(language, ownZone, CLOCK).format(atMs)
  return own === formatter(language, homeZone, CLOCK).format(atMs) ? null : own
}
