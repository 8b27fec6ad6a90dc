import type { Config } from './config.ts'
import type { HintTopic } from './ports.ts'

/** What the ingest thread and the thread of all other roles say to each other. */

/** With what the thread is started. */
export type IngestThreadData = { config: Config; databaseUrl: string; pretty: boolean }

/** From the main thread. */
export type IngestOrder = 'close'

/** One call of a port that the main thread answers for: a hint, or a figure for `/metrics`. */
export type PassedOn =
  | { port: 'hint'; topic: HintTopic; key: string }
  | {
      port: 'metric'
      kind: 'count' | 'gauge' | 'observe'
      name: string
      value: number
      labels?: Record<string, string>
    }

/** From the ingest thread. `failed`: it does not start; the code and port are those of a port that is taken. */
export type IngestNews =
  | { type: 'ready'; url: string }
  | { type: 'failed'; message: string; code?: string; port?: number }
  | { type: 'passed-on'; calls: PassedOn[] }
  | { type: 'closed' }
