import { describe, expect, it } from 'vitest'
import { DEFAULT_SETTINGS, RULE_SETTINGS, readSettings } from './settings.ts'

describe('the settings of a home', () => {
  it('are the defaults where nothing is set', () => {
    for (const nothing of [{}, null, undefined, 'x', []]) {
      expect(readSettings(nothing)).toEqual({ settings: DEFAULT_SETTINGS, problems: [] })
    }
  })

  it('take what is in range and name what is not, which keeps its default', () => {
    const overrides = {
      bedWarningMinutes: 20,
      bedAlarmMinutes: 4,
      vitalsForSeconds: '60',
      toString: 1,
      gatewayLostSeconds: Number.NaN,
    }
    expect(readSettings(overrides)).toEqual({
      settings: { ...DEFAULT_SETTINGS, bedWarningMinutes: 20 },
      problems: [
        { name: 'bedAlarmMinutes', code: 'out-of-range' },
        { name: 'vitalsForSeconds', code: 'not-a-number' },
        { name: 'toString', code: 'unknown-setting' },
        { name: 'gatewayLostSeconds', code: 'not-a-number' },
      ],
    })
  })

  it('refuse a warning that would come after its alarm', () => {
    const { settings, problems } = readSettings({ bedWarningMinutes: 40 })
    expect(problems).toEqual([{ name: 'bedWarningMinutes', code: 'out-of-order' }])
    expect(settings).toEqual(DEFAULT_SETTINGS)
  })

  it('have defaults within their own ranges', () => {
    for (const { default: value, min, max } of Object.values(RULE_SETTINGS)) {
      expect(value).toBeGreaterThanOrEqual(min)
      expect(value).toBeLessThanOrEqual(max)
    }
  })
})
