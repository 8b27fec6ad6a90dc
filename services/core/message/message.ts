import type { IncidentKind, Severity, Why } from '../signal.ts'

/** Everything the platform says by SMS, as data. The catalogues turn it into words, `render.ts` into segments. */

export type Language = 'zh' | 'en'
export type Outcome = 'real' | 'false-alarm' | 'test' | 'drill' | 'duplicate'

type About = { home: string; kind: IncidentKind }

export type Message =
  | (About & {
      purpose: 'alarm'
      severity: Severity
      why: Why
      room: string | null
      /** How old the press already was when it reached us; 0 when it came at once. */
      ageMin: number
      /** How long nobody has taken it; 0 in the first minute. */
      waitingMin: number
      presses: number
      /** The device says it is over, but nobody has looked. */
      returned: boolean
      /** Who had taken it and went silent; null when nobody had. */
      takenBefore: string | null
    })
  /** To the one who took it: it goes on, or something more happened. */
  | (About & { purpose: 're-alarm'; why: Why; room: string | null; presses: number; arriveWithinS: number })
  | (About & { purpose: 'you-took'; askAfterMin: number })
  | (About & { purpose: 'taken'; by: string })
  | (About & { purpose: 'already-taken'; by: string })
  | (About & { purpose: 'already-resolved'; outcome: Outcome })
  | (About & { purpose: 'still-on-it'; takenMin: number; answerWithinMin: number })
  | (About & { purpose: 'hand-over'; from: string })
  | (About & { purpose: 'cannot-noted' })
  | (About & { purpose: 'cancelled' })
  | (About & { purpose: 'cancelled-you-decide' })
  | (About & { purpose: 'resolved'; outcome: Outcome; by: string })
  /** Answers to replies that meant no incident. */
  | { purpose: 'which-one'; choices: (About & { code: number })[] }
  | { purpose: 'nothing-open' }
  | { purpose: 'not-understood' }
  /** To a phone whose owner is on the list no longer: nothing about the home. `handled`: somebody has it, or it is over. */
  | { purpose: 'not-listed'; handled: boolean }
  /** To the coordinator: a responder's phone said STOP and can be told nothing any more. */
  | { purpose: 'responder-stopped'; name: string }
  | { purpose: 'contact-test'; home: string }

export type MessagePurpose = Message['purpose']
export type MessageOf<P extends MessagePurpose> = Extract<Message, { purpose: P }>
