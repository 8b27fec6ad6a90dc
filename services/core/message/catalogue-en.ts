import type { IncidentKind, Severity, WhyCode } from '../signal.ts'
import type { WhyValues, zh } from './catalogue-zh.ts'
import type { Outcome } from './message.ts'

/** English. Short, for a home's label in Chinese leaves an SMS only 134 characters. */

const kinds: Record<IncidentKind, string> = {
  sos: 'call for help',
  smoke: 'smoke alarm',
  gas: 'gas alarm',
  co: 'CO alarm',
  fall: 'fall sensor',
  leak: 'water leak',
  'bed-exit': 'out of bed',
  vitals: 'sleep monitor',
  technical: 'device fault',
}

const severities: Record<Severity, string> = {
  critical: 'EMERGENCY ',
  warning: 'Needs a look: ',
  technical: 'Notice: ',
}

const outcomes: Record<Outcome, string> = {
  real: 'real, dealt with',
  'false-alarm': 'false alarm',
  test: 'test',
  drill: 'drill',
  duplicate: 'duplicate',
}

const advice: Record<IncidentKind, string> = {
  sos: '',
  smoke: 'Call 119. ',
  gas: 'No switches, call 119. ',
  co: 'Get out, air, call 119. ',
  fall: 'Look in now. ',
  leak: '',
  'bed-exit': '',
  vitals: 'Look in; no diagnosis. ',
  technical: '',
}

const whys: Record<WhyCode, (values: WhyValues) => string> = {
  'sos-pressed': () => 'help button',
  'sos-pressed-late': () => 'help button',
  'smoke-alarm': () => 'smoke alarm',
  'gas-alarm': () => 'gas alarm',
  'gas-high': ({ percent }) => `gas high${after(percent, '% LEL')}`,
  'gas-raised': ({ percent }) => `gas raised${after(percent, '% LEL')}`,
  'co-alarm': () => 'CO alarm',
  'fall-alarm': () => 'fall sensor: perhaps a fall',
  'leak-alarm': () => 'water where none should be',
  'bed-left': ({ minutes }) => `out of bed${after(minutes, ' min')}`,
  'heart-rate-low': ({ perMin }) => `heart reading low${after(perMin, '/min')}`,
  'heart-rate-high': ({ perMin }) => `heart reading high${after(perMin, '/min')}`,
  'respiration-low': ({ perMin }) => `breath reading low${after(perMin, '/min')}`,
  'respiration-high': ({ perMin }) => `breath reading high${after(perMin, '/min')}`,
  'battery-low': ({ percent }) => `battery low${after(percent, '%')}`,
  'battery-critical': ({ percent }) => `battery nearly empty${after(percent, '%')}`,
  'device-lost': () => 'device lost',
  'gateway-lost': () => 'gateway lost',
  tamper: () => 'device opened',
  fault: () => 'device fault',
  'clock-jumped': ({ gapSeconds }) => `system clock jumped${after(gapSeconds, ' s')}`,
}

function after(value: string | number | undefined, unit: string): string {
  return value === undefined ? '' : ` ${value}${unit}`
}

function place({ home, room }: { home: string; room: string | null }): string {
  return room === null ? home : `${home} ${room}`
}

function what({ home, kind }: { home: string; kind: IncidentKind }): string {
  return `${home} ${kinds[kind]}`
}

function answer(verb: 1 | 2, code: number | null): string {
  return code === null ? `${verb}` : `${verb} ${code}`
}

export const en: typeof zh = {
  kinds,
  outcomes,
  messages: {
    alarm: (m, { code, detail }) => {
      const details = [
        whys[m.why.code](m.why.values),
        m.ageMin > 0 ? `${m.ageMin} min ago` : '',
        m.presses > 1 && detail !== 'bare' ? `${m.presses} times` : '',
        m.waitingMin > 0 && detail !== 'bare' ? `${m.waitingMin} min untaken` : '',
        m.returned && detail === 'full' ? 'over now, nobody has looked' : '',
        m.takenBefore !== null && detail === 'full' ? `${m.takenBefore} took it, no word since` : '',
      ]
      const said = details.filter((part) => part !== '').join(', ')
      const reply = `Reply ${answer(1, code)} = ${detail === 'bare' ? '' : "I'm "}on it, ${answer(2, code)} = can't`
      return `${severities[m.severity]}${place(m)}: ${said}. ${advice[m.kind]}${reply}`
    },
    're-alarm': (m, { detail }) => {
      const count = detail === 'bare' ? '' : `, ${m.presses} times`
      const deadline = m.arriveWithinS > 0 ? `tap Arrived in ${m.arriveWithinS} s or others are told` : 'please look'
      return `AGAIN ${place(m)}: ${whys[m.why.code](m.why.values)}${count}. ${advice[m.kind]}You have it: ${deadline}`
    },
    'you-took': (m, { code, detail }) => {
      const later = m.askAfterMin > 0 ? `We ask again in ${m.askAfterMin} min. ` : ''
      const next = detail !== 'full' ? 'Go or call now. ' : 'Go or call now; tap Arrived and Close on the page. '
      return `You have it: ${what(m)}. ${advice[m.kind]}${next}${later}Can't? Reply ${answer(2, code)}`
    },
    taken: (m) => `${m.by} has it: ${what(m)}. Please keep your phone on`,
    'already-taken': (m) => `${m.by} already has it: ${what(m)}. Thank you`,
    'already-resolved': (m) => `Already over: ${what(m)} (${outcomes[m.outcome]}). Thank you`,
    'still-on-it': (m, { code }) =>
      `Still on it? ${what(m)}, ${m.takenMin} min. Reply ${answer(1, code)} = yes; no reply in ${m.answerWithinMin} min: others are told`,
    'hand-over': (m, { code }) =>
      `${m.from} asks you to take over: ${what(m)}. ${advice[m.kind]}Reply ${answer(1, code)} = I'm on it, ${answer(2, code)} = can't`,
    'cannot-noted': (m) => `Noted, you can't go: ${what(m)}. We go on looking`,
    cancelled: (m) => `Cancelled at the device: ${what(m)}. No need to go`,
    'cancelled-you-decide': (m) => `Cancelled at the device: ${what(m)}. You have it: check, then close it on the page`,
    resolved: (m) => `Over: ${what(m)}, ${outcomes[m.outcome]} (${m.by})`,
    'which-one': (m) =>
      `Nothing taken. Reply with a code: ${m.choices.map((one) => `1 ${one.code} = ${what(one)}`).join('; ')}`,
    'nothing-open': () => 'Nothing is waiting for you. In an emergency call 120 or 119',
    'not-understood': () =>
      "Not understood. Reply 1 and the code = I'm on it, 2 and the code = can't. The code is in the message",
    'not-listed': (m) =>
      `You are no longer on this list, so nothing was taken; ${m.handled ? 'others take care of it' : 'others are being told'}`,
    'responder-stopped': (m) =>
      `${m.name}'s phone has opted out and gets no alarms. Arrange somebody else; START from that phone undoes it`,
    'contact-test': (m) => `Test: Anlin message to a contact of ${m.home}. No reply needed`,
  },
}
