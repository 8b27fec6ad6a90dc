import type { Config } from './config.ts'
import type { FreshBatch, HintTopic } from './ports.ts'

/** What the ingest thread and the thread of all other roles say to each other. */

/** With what the entrance is opened. `handsOver`: the rules run in this process. */
export type IngestThreadData = { config: Config; databaseUrl: string; pretty: boolean; handsOver: boolean }

/** From the main thread. */
export type IngestOrder = { type: 'open'; data: IngestThreadData } | { type: 'close' }

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

/** From the ingest thread. `fresh`: what was committed, null: some of it is not told. `failed`: it does not start; the code and port are those of a port that is taken. */
export type IngestNews =
  | { type: 'ready'; url: string }
  | { type: 'failed'; message: string; code?: string; port?: number }
  | { type: 'passed-on'; calls: PassedOn[] }
  | { type: 'alarms-coming'; homeIds: readonly string[] }
  | { type: 'fresh'; batch: FreshBatch | null }
  | { type: 'closed' }
