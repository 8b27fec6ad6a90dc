/**
 * What a home can set about its rules. One table gives the type, the check, the default and the line a screen shows;
 * sources are marked as in the field: a standard or manual where one says so, else "own judgement".
 */
type NumberSetting = { unit: string; min: number; max: number; default: number; source: string }
const setting = (unit: string, min: number, max: number, value: number, source: string): NumberSetting => ({
  unit,
  min,
  max,
  default: value,
  source,
})

const OWN = 'own judgement'
const NEWS2 = 'red band of NEWS2; its use here is own judgement'

export const RULE_SETTINGS = {
  gasWarnLelPercent: setting('% LEL', 1, 20, 5, OWN),
  gasWarnForSeconds: setting('s', 0, 600, 30, OWN),
  gasAlarmLelPercent: setting('% LEL', 2, 50, 10, OWN),
  gasAlarmForSeconds: setting('s', 0, 60, 5, OWN),
  nightStartMinuteOfDay: setting('min after midnight', 0, 1439, 22 * 60, 'common in bed-exit products'),
  nightEndMinuteOfDay: setting('min after midnight', 0, 1439, 6 * 60, 'common in bed-exit products'),
  bedWarningMinutes: setting('min', 5, 240, 15, 'common in bed-exit products; never under 5'),
  bedBathroomExtraMinutes: setting('min', 0, 60, 10, OWN),
  bedAlarmMinutes: setting('min', 5, 480, 30, OWN),
  heartRateLowPerMin: setting('/min', 20, 60, 40, NEWS2),
  heartRateHighPerMin: setting('/min', 90, 220, 131, NEWS2),
  respirationLowPerMin: setting('/min', 2, 12, 8, NEWS2),
  respirationHighPerMin: setting('/min', 18, 60, 25, NEWS2),
  vitalsForSeconds: setting('s', 30, 900, 60, OWN),
  goodSignalQuality: setting('share of 1', 0, 1, 0.6, OWN),
  batteryTaskPercent: setting('%', 5, 50, 20, OWN),
  batteryWarningPercent: setting('%', 1, 50, 10, OWN),
  /** 20 for a critical home on one supervised path, 90 on two, 180 for an ordinary one. */
  gatewayLostSeconds: setting('s', 20, 3_600, 180, 'EN 50136-1: 20 s (SP6), 90 s (DP4); 180 s is own judgement'),
  sosButtonLostMinutes: setting('min', 5, 2_880, 180, OWN),
  deviceLostMinutes: setting('min', 5, 2_880, 240, OWN),
} as const satisfies Record<string, NumberSetting>

type RuleSettingName = keyof typeof RULE_SETTINGS
export type HomeSettings = Readonly<Record<RuleSettingName, number>>
const NAMES = Object.keys(RULE_SETTINGS) as RuleSettingName[]

export const DEFAULT_SETTINGS: HomeSettings = Object.fromEntries(
  NAMES.map((name) => [name, RULE_SETTINGS[name].default]),
) as Record<RuleSettingName, number>

export type SettingProblem = {
  name: string
  code: 'unknown-setting' | 'not-a-number' | 'out-of-range' | 'out-of-order'
}

/** Pairs where the first must stay below the second. */
const ORDERED: readonly (readonly [RuleSettingName, RuleSettingName])[] = [
  ['gasWarnLelPercent', 'gasAlarmLelPercent'],
  ['bedWarningMinutes', 'bedAlarmMinutes'],
  ['batteryWarningPercent', 'batteryTaskPercent'],
]

/**
 * Defaults with a home's overrides on top. What is wrong keeps its default and is named, so an edge can refuse it
 * while a fold over what an older version stored goes on.
 */
export function readSettings(overrides: unknown): { settings: HomeSettings; problems: SettingProblem[] } {
  const settings: Record<RuleSettingName, number> = { ...DEFAULT_SETTINGS }
  const problems: SettingProblem[] = []
  if (typeof overrides !== 'object' || overrides === null) return { settings, problems }
  for (const [name, value] of Object.entries(overrides)) {
    const problem = checkSetting(name, value)
    if (problem === null) settings[name as RuleSettingName] = value as number
    else problems.push({ name, code: problem })
  }
  for (const [lower, upper] of ORDERED) {
    if (settings[lower] < settings[upper]) continue
    problems.push({ name: lower, code: 'out-of-order' })
    settings[lower] = RULE_SETTINGS[lower].default
    settings[upper] = RULE_SETTINGS[upper].default
  }
  return { settings, problems }
}

function checkSetting(name: string, value: unknown): SettingProblem['code'] | null {
  if (!Object.hasOwn(RULE_SETTINGS, name)) return 'unknown-setting'
  if (typeof value !== 'number' || !Number.isFinite(value)) return 'not-a-number'
  const { min, max } = RULE_SETTINGS[name as RuleSettingName]
  return value >= min && value <= max ? null : 'out-of-range'
}
