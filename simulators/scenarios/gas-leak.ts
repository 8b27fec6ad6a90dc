import { between, rounded, seededRandom } from '../homes/seeded.ts'
import type { Scenario, Step } from './scenario.ts'

const READING_EVERY_MS = 5000
const RISES_FOR_MS = 60_000
const STAYS_FOR_MS = 30_000
const FALLS_FOR_MS = 60_000
const PEAK_LEL_PERCENT = 14
/** The detector's own alarm threshold, within the 5 to 20 % LEL that detectors for homes are set to. */
const DETECTOR_ALARM_LEL_PERCENT = 10

/** The air of a kitchen where a pot has put out the flame, and somebody opens the window. */
function lelPercentAt(offsetMs: number): number {
  if (offsetMs < RISES_FOR_MS) return 0.5 + (PEAK_LEL_PERCENT - 0.5) * (offsetMs / RISES_FOR_MS)
  const fallingMs = offsetMs - RISES_FOR_MS - STAYS_FOR_MS
  return fallingMs <= 0 ? PEAK_LEL_PERCENT : PEAK_LEL_PERCENT * (1 - fallingMs / FALLS_FOR_MS)
}

export const gasLeak: Scenario = {
  name: 'gas-leak',
  explain: {
    en: 'A pot boils over and puts out the flame: the gas reading rises for a minute, the detector alarms at 10 % LEL, then somebody opens the window. Two and a half minutes.',
    zh: '锅溢熄火：燃气浓度一分钟内上升，达到爆炸下限的 10% 时报警，随后有人开窗。历时两分半钟。',
  },
  defaultSpeed: 1,
  canHurry: true,
  startsAtMinute: null,
  lampMustAnswer: true,
  ownDevice: null,
  holds: 'played',
  build(seed) {
    const random = seededRandom(seed)
    const steps: Step[] = []
    let alarming = false
    for (let offsetMs = 0; offsetMs <= RISES_FOR_MS + STAYS_FOR_MS + FALLS_FOR_MS; offsetMs += READING_EVERY_MS) {
      const gasLelPercent = rounded(Math.max(0, lelPercentAt(offsetMs) + between(random, -0.2, 0.2)), 1)
      const body = { gasLelPercent, coPpm: 0, temperatureC: rounded(between(random, 21, 22), 1) }
      steps.push({ offsetMs, kind: 'gas-detector', does: 'telemetry', body })
      const isAlarm = gasLelPercent >= DETECTOR_ALARM_LEL_PERCENT
      if (isAlarm !== alarming) {
        const state = isAlarm ? 'alarm' : 'cleared'
        steps.push({ offsetMs, kind: 'gas-detector', does: 'event', body: { kind: 'gas', state } })
      }
      alarming = isAlarm
    }
    return steps
  },
}
