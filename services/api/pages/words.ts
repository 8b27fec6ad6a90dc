import type { IncidentKind } from '../../core/signal.ts'

/** What the few pages say that the server itself writes. One catalogue per language: zh.ts and en.ts. */
export type PageWords = {
  htmlLang: string
  product: string
  link: {
    title: string
    /** Where and what. */
    about(home: string, kind: string, room: string | null): string
    kinds: Record<IncidentKind, string>
    nobody: string
    button: string
    youHave: string
    youAreThere: string
    /** "Still on it?" was asked, and this says yes. */
    stillOnIt: string
    arrived: string
    cannot: string
    /** To whoever could not go: others are being told. */
    declined: string
    /** Before either of the two below: nothing is closed here by anybody who has not. */
    seen: string
    seenNeeded: string
    overReal: string
    overFalse: string
    has(name: string): string
    over: string
    emergency: string
    unknown: string
    failed: string
    /** Closed or answered by somebody who has it no longer. */
    notYours: string
    again: string
    away: string
    tooMany: string
  }
  setup: {
    title: string
    explain: string
    login: string
    name: string
    password: string
    passwordAgain: string
    button: string
    wrong: string
    gone: string
  }
  start: {
    title: string
    family: string
    familyHint: string
    desk: string
    deskHint: string
    phones: string
    phonesHint: string
    tryTitle: string
    tries: readonly string[]
    docs: string
  }
  notBuilt: { title: string; explain: string }
}
