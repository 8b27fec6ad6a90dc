import { expect, it } from 'vitest'
import { ageText, clockText, hourIn, leftText } from './time.ts'

const at = Date.parse('2026-11-23T00:40:00Z')
const MINUTE_MS = 60_000

it('shows the home’s time on 24 hours, with the day where it is another one', () => {
  expect(clockText(at, at + MINUTE_MS, 'Asia/Shanghai', 'zh')).toBe('08:40')
  expect(clockText(at, at + MINUTE_MS, 'America/New_York', 'en')).toBe('19:40')
  expect(clockText(at, at + 24 * 60 * MINUTE_MS, 'Asia/Shanghai', 'en')).toBe('23 Nov, 08:40')
  expect(hourIn(Date.parse('2026-11-22T16:00:00Z'), 'Asia/Shanghai')).toBe(0)
})

it('tells the age in the unit a person would use', () => {
  const ages = [-5_000, 2_000, 59_000, MINUTE_MS, 59 * MINUTE_MS, 60 * MINUTE_MS, 25 * 60 * MINUTE_MS]
  expect(ages.map((age) => ageText(at, at + age, 'zh'))).toEqual([
    '刚刚',
    '刚刚',
    '59秒前',
    '1分钟前',
    '59分钟前',
    '1小时前',
    '1天前',
  ])
  expect(ageText(at, at + 3 * MINUTE_MS, 'en')).toBe('3 min ago')
})

it('counts down in seconds, then minutes, and never below nothing', () => {
  expect(leftText(at, at - 90_000, 'zh')).toBe('90 秒')
  expect(leftText(at, at - 121_000, 'en')).toBe('3 min')
  expect(leftText(at, at + 5_000, 'en')).toBe('0 s')
})
