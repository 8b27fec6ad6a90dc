import type { DemoHome } from '../homes/demo-file.ts'
import type { TownResult } from '../homes/town.ts'

/** What the load process is told and answers, over the process channel. */

export type Address = { host: string; port: number }
/** One account and the topic that it may publish on. */
export type Speaker = { username: string; password: string; topic: string }

export type ClosedLoopOrder = Address & {
  type: 'closed-loop'
  /** One connection each. */
  speakers: Speaker[]
  inflight: number
  payloadBytes: number
  /** Not measured. */
  warmUpSeconds: number
  seconds: number
  /** Ends earlier when so many are acknowledged. */
  most?: number
}
export type ClosedLoopResult = {
  /** Over the whole run, warming up included: every one of them must be answered. */
  sent: number
  acknowledged: number
  connectionsLost: number
  perSecond: number
  pubackP50Ms: number
  pubackP99Ms: number
  /** Share of one processor that the load process used. */
  cpuShare: number
}

export type TownOrder = Address & { type: 'town'; homes: DemoHome[]; rate: number; seconds: number }
export type IdleOrder = Address & { type: 'idle'; speakers: Speaker[]; connections: number }

export type Measurement = ClosedLoopOrder | TownOrder | IdleOrder
/** `stop` has no answer: it ends the town, which then answers, and closes idle connections. */
export type LoadOrder = Measurement | { type: 'stop' }
export type LoadAnswer =
  | { type: 'closed-loop'; result: ClosedLoopResult }
  | { type: 'town'; result: TownResult & { cpuShare: number } }
  | { type: 'idle'; connections: number }
  | { type: 'failed'; message: string }
