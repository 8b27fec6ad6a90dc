import { sleepReading } from '../homes/resident.ts'
import { seededRandom } from '../homes/seeded.ts'
import type { Scenario, Step } from './scenario.ts'

const IN_BED_FOR_MS = 2 * 60_000
const ENDS_AFTER_MS = 42 * 60_000
const OCCUPIED_EVERY_MS = 10_000
const EMPTY_EVERY_MS = 60_000

export const badNight: Scenario = {
  name: 'bad-night',
  explain: {
    en: 'At ten past two the resident leaves the bed and does not come back: a warning after 15 minutes, an alarm after 30. Sent sixty times faster it is last night, delivered late by a monitor of its own, which is taken down again; at --speed 1 it takes 42 minutes and means something only at night (22:00 to 06:00).',
    zh: '凌晨两点十分老人离床未归：15 分钟后预警，30 分钟后报警。默认以 60 倍速，由临时加装、事后拆除的监测仪补传昨夜数据；--speed 1 时历时 42 分钟，且仅在夜间（22:00–06:00）有意义。',
  },
  defaultSpeed: 60,
  canHurry: true,
  startsAtMinute: 130,
  lampMustAnswer: false,
  ownDevice: 'sleep-monitor',
  holds: 'played',
  build(seed) {
    const random = seededRandom(seed)
    const steps: Step[] = []
    let offsetMs = 0
    while (offsetMs <= ENDS_AFTER_MS) {
      const inBed = offsetMs < IN_BED_FOR_MS
      steps.push({ offsetMs, kind: 'sleep-monitor', does: 'telemetry', body: sleepReading(inBed, random) })
      offsetMs += inBed ? OCCUPIED_EVERY_MS : EMPTY_EVERY_MS
    }
    return steps
  },
}
