import type { FamilyWords } from './zh.ts'

export const en: FamilyWords = {
  title: 'Anlin · Family',
  noHome: 'Your account does not belong to a home yet, please ask the coordinator',
  chooseHome: 'Choose a home',
  levels: { high: 'Emergency', attention: 'Needs a look', unknown: 'Not known', well: 'All is well' },
  shapes: { high: '◆', attention: '▲', unknown: '○', well: '●' },
  wellEvidence: (room, clock, inBed) =>
    inBed ? `In bed at ${clock}` : `Movement in the ${room ?? 'home'} at ${clock}`,
  nothingRead: 'Nothing has been read from the home yet',
  pageCut: 'We don’t know how things are',
  noDevices: 'No devices are fitted yet — we don’t know how things are',
  neverHeard: 'No word from the home so far — we don’t know how things are',
  homeSilent: (clock) => `No word from the home since ${clock} — we don’t know how things are`,
  devicesSilent: (lost, total) => `${lost} of ${total} devices are silent — we don’t see everything`,
  noSignOfLife: 'No movement seen so far — we don’t know how things are',
  signTooOld: (clock) => `No movement seen since ${clock} — we don’t know how things are`,
  lastSign: (room, clock, inBed) =>
    inBed ? `Last seen: in bed, ${clock}` : `Last movement: ${clock}${room ? `, ${room}` : ''}`,
  lastWord: (clock) => `Last word: ${clock}`,
  testMode: (clock) => `Test mode until ${clock}: alarms alert nobody`,
  take: 'I’m on it',
  otherHome: (name, what) => `${name}: ${what}`,
  look: (name) => `Look at ${name}`,
  contacts: 'Contacts',
  call: (name) => `Call ${name}`,
}
