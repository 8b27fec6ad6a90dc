import { en as messages } from '../../core/message/catalogue-en.ts'
import type { PageWords } from './words.ts'

export const en: PageWords = {
  htmlLang: 'en',
  product: 'Anlin',
  link: {
    title: 'Call for help',
    about: (home, kind, room) => `${home}${room === null ? '' : ` ${room}`}: ${kind}`,
    kinds: messages.kinds,
    nobody: 'Nobody has it yet.',
    button: 'I’m on it',
    youHave: 'You have it. Go or call now.',
    has: (name) => `${name} has it. Thank you.`,
    over: 'It is over. Thank you.',
    emergency: 'In an emergency call 120 or 119.',
    unknown: 'This link is wrong or too old. In an emergency call 120 or 119.',
    failed: 'That did not get through. Press again, or answer the message.',
  },
  setup: {
    title: 'The first administrator',
    explain: 'This link works once, within an hour.',
    login: 'User name',
    name: 'Name',
    password: 'Password (at least 10 characters)',
    passwordAgain: 'The password again',
    button: 'Create',
    wrong: 'Please check: no spaces in the user name, at least 10 characters in the password, and both the same.',
    gone: 'This link has been used or is too old. Start the platform again for a new one.',
  },
  start: {
    title: 'Anlin demo',
    family: 'Family page',
    familyHint: 'Sign in as family: how things are at home, and “I’m on it”.',
    desk: 'Duty desk',
    deskHint: 'Sign in as a social worker: everything that waits.',
    phones: 'Phones',
    phonesHint: 'The messages the platform sends, and answers to them.',
    tryTitle: 'Try',
    tries: [
      'npm run sim -- sos in a terminal presses the bathroom button of the first home.',
      'See the message on the phones and answer 1: “I’m on it”.',
      'See on desk and family page who has it. Logins stand in the terminal that runs the platform.',
    ],
    docs: 'API',
  },
  notBuilt: { title: 'The pages are not built', explain: 'Run npm ci in the project, then start the platform again.' },
}
