/**
 * Every side effect the platform can have, on one page. Types only. Rooms under services/ are given these by
 * services/platform.ts; services/store/ and the machine's own clock stand behind them.
 */

/** Who is signed in, what they may see, what they read and change. */
export type * from './ports/api.ts'
/** Clock, log, metrics, hints, changes. */
export type * from './ports/common.ts'
/** The log as the rules read it, and the one statement that commits. */
export type * from './ports/fold.ts'
/** What was measured, as pages ask for it. */
export type * from './ports/history.ts'
/** Where measurements are kept, and the projector that fills it. */
export type * from './ports/history-store.ts'
/** What the escalation folds, and where the folds are kept. */
export type * from './ports/incidents.ts'
/** Who may connect, where messages are kept, what devices are told. */
export type * from './ports/ingest.ts'
/** What goes out to people, what becomes of it, what they send us. */
export type * from './ports/outbox.ts'
/** The SMS provider. */
export type * from './ports/sms.ts'
