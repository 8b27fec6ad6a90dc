import type { Scenario } from './scenario.ts'

/** An ordinary gateway beats every minute and counts as lost after three. */
const SILENT_FOR_MS = 4 * 60_000
const CUT_AFTER_MS = 2000

export const gatewayLost: Scenario = {
  name: 'gateway-lost',
  explain: {
    en: "The home goes off the air with its gateway, and comes back after four minutes. One technical incident, not one per device. It takes its real four minutes: silence is judged on the platform's own clock, so --speed changes nothing.",
    zh: '网关掉线，全家设备随之失联，四分钟后恢复。只产生一条技术事件，而不是每台设备一条。掉线以平台时钟为准，真实历时四分钟，--speed 无效。',
  },
  defaultSpeed: 1,
  canHurry: false,
  startsAtMinute: null,
  lampMustAnswer: false,
  ownDevice: null,
  holds: 'all',
  build: () => [
    { offsetMs: 0, kind: 'gateway', does: 'status', body: { state: 'online', rssiDbm: -60 } },
    { offsetMs: CUT_AFTER_MS, kind: 'gateway', does: 'cut' },
    {
      offsetMs: CUT_AFTER_MS + SILENT_FOR_MS,
      kind: 'gateway',
      does: 'status',
      body: { state: 'online', rssiDbm: -60 },
    },
  ],
}
