import { bedOccupied, COMMUNITY_OFFSET_MS, sleepReading } from '../homes/resident.ts'
import { gasReading } from '../homes/rhythm.ts'
import { seededRandom } from '../homes/seeded.ts'
import type { Scenario, Step } from './scenario.ts'

const MINUTE_MS = 60_000
/** Ten minutes short of a day: a device's clock is believed up to 24 hours back. */
const LASTS_MINUTES = 24 * 60 - 10
const SLEEP_EVERY_MINUTES = 2
const GAS_EVERY_MINUTES = 10
/** The day is the same whenever it is played, so it is laid on a fixed date: day one of the epoch. */
const DAY_START_MS = 24 * 60 * MINUTE_MS - COMMUNITY_OFFSET_MS

export const day: Scenario = {
  name: 'day',
  explain: {
    en: 'A whole ordinary day: a night in bed with one visit to the bathroom, up at half past six, some cooking, one test press, to bed before ten. Nobody is called. Sent 480 times faster by default (three minutes), as the last 24 hours.',
    zh: '平常的一天：夜里起夜一次，六点半起床，做饭，按钮测试一次，十点前就寝。不惊动任何人。默认以 480 倍速（三分钟）补传过去 24 小时。',
  },
  defaultSpeed: 480,
  canHurry: true,
  startsAtMinute: null,
  lampMustAnswer: false,
  ownDevice: null,
  holds: 'played',
  build(seed, startMinute) {
    const random = seededRandom(seed)
    const steps: Step[] = []
    for (let passed = 0; passed <= LASTS_MINUTES; passed += SLEEP_EVERY_MINUTES) {
      const offsetMs = passed * MINUTE_MS
      const minute = (startMinute + passed) % (24 * 60)
      const occupied = bedOccupied(seed, 'day', DAY_START_MS + minute * MINUTE_MS)
      steps.push({ offsetMs, kind: 'sleep-monitor', does: 'telemetry', body: sleepReading(occupied, random) })
      if (passed % GAS_EVERY_MINUTES === 0) {
        steps.push({ offsetMs, kind: 'gas-detector', does: 'telemetry', body: gasReading(random, 88) })
      }
      if (minute >= 600 && minute < 600 + SLEEP_EVERY_MINUTES) {
        steps.push({ offsetMs, kind: 'sos-button', does: 'event', body: { kind: 'sos', state: 'test' } })
      }
    }
    return steps
  },
}
