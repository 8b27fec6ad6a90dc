import type { Scenario } from './scenario.ts'

export const sos: Scenario = {
  name: 'sos',
  explain: {
    en: 'The bathroom SOS button is pressed once. Its lamp says "received" within two seconds, the family gets an SMS.',
    zh: '浴室求助按钮被按下一次。两秒内按钮灯显示“已收到”，家属收到短信。',
  },
  defaultSpeed: 1,
  canHurry: true,
  startsAtMinute: null,
  lampMustAnswer: true,
  ownDevice: null,
  holds: 'none',
  build: () => [{ offsetMs: 0, kind: 'sos-button', does: 'event', body: { kind: 'sos', state: 'pressed' } }],
}
