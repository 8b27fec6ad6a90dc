import { between, seededRandom } from '../homes/seeded.ts'
import type { Scenario } from './scenario.ts'

export const smoke: Scenario = {
  name: 'smoke',
  explain: {
    en: 'Smoke in the kitchen: the detector alarms, and clears itself after one to two minutes. The incident stays until a person answers.',
    zh: '厨房冒烟：烟雾报警器报警，一两分钟后自行恢复。事件仍保留，直到有人处理。',
  },
  defaultSpeed: 1,
  canHurry: true,
  startsAtMinute: null,
  lampMustAnswer: true,
  ownDevice: null,
  holds: 'none',
  build(seed) {
    const clearedAfterMs = Math.round(between(seededRandom(seed), 60_000, 120_000))
    return [
      { offsetMs: 0, kind: 'smoke-detector', does: 'event', body: { kind: 'smoke', state: 'alarm' } },
      { offsetMs: clearedAfterMs, kind: 'smoke-detector', does: 'event', body: { kind: 'smoke', state: 'cleared' } },
    ]
  },
}
