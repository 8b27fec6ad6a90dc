/**
 * Ingest: who may connect, where messages are kept, and what devices are told.
 */

/** The login of a device or a gateway at the broker. */
export type DeviceAccount = {
  account: string
  homeId: string
  deviceId: string
  /** Whom it may speak for: the device itself, and for a gateway all that stand behind it. */
  devices: { deviceId: string; kind: string; address?: string | null }[]
  secretHash: Uint8Array
}
export type AccountDirectory = {
  /** Null for an account that never was, is revoked, or whose device is retired. */
  find(username: string): Promise<DeviceAccount | null>
  /** The keyed hash that `secretHash` is compared with. */
  hashSecret(secret: string): Uint8Array
  /** Numbers a session of the account, higher than every one before it, whichever ingest had that. */
  startSession(account: string): Promise<number>
  latestSession(account: string): Promise<number>
}

/** A message as ingest hands it to the log. `lane` 0 is urgent; `flags`: QoS in bits 0 and 1, DUP 4, RETAIN 8, last will 16. */
export type LogMessage = {
  shard: number
  lane: 0 | 1
  homeId: string
  account: string
  flags: number
  packetId: number | null
  /** Without U+0000, which no text column holds. */
  topic: string
  payload: Uint8Array
  rejected: string | null
}
export type LogAppend = {
  /**
   * One autocommit statement. Resolves when the whole batch is on disk, in its order; rejects when it is not or when
   * nobody knows, so a repeat may store it twice.
   */
  append(batch: readonly LogMessage[]): Promise<Appended>
}
/** `isHandedOver`: the rules of this process have its rows, and need no hint of them. */
export type Appended = { isHandedOver: boolean }

/**
 * A batch as it was committed by the only writer of the log: `rows` of them, with the ids from `firstId` to `lastId`, received
 * at one moment. `epoch`: the last clock jump known then. `newFacts`: versions of what has changed about its homes and no
 * fold had taken in. `columns`: what was sent to the store, which alone can read it (`freshRowsOf`); each has memory of its own,
 * so that whoever is offered them may give them away to another thread.
 */
export type FreshBatch = {
  rows: number
  xid: bigint
  firstId: number
  lastId: number
  receivedUs: number
  epoch: number
  newFacts: Record<string, number> | null
  columns: readonly Uint8Array<ArrayBuffer>[]
}
/** For the rules of the same process. Neither waits nor throws. */
export type FreshSink = {
  /** Homes with an alarm that is about to be committed, or tried again: what it needs further on may be read meanwhile. */
  expect(homeIds: readonly string[]): void
  /** In commit order; nobody hints of it as well. Between it and the batch offered before nothing was stored, unless `lost` was called. */
  offer(batch: FreshBatch): void
  /** From the last batch on something was stored that was not offered, or may have been. */
  lost(): void
}

/** What a lamp, speaker or button is told of an incident of its home (`…/incident`). */
export type DeviceNotice = {
  incidentId: string
  kind: string
  severity: 'critical' | 'warning'
  status: 'open' | 'acknowledged' | 'resolved'
  /** Presses, alarms and further devices so far, the first included: who presses again hears that this came, too. */
  raisedCount: number
  /** The name of who has it; null while nobody has. */
  takenBy: string | null
  etaMin: number | null
  /** Somebody is there. */
  arrived: boolean
  /** When it came to stand so; epoch ms. */
  at: number
}
export type HomeIncidents = {
  /**
   * The home's incidents of the last day that are over, for a lamp that missed the end still goes out, and then all
   * that are not, each oldest first: who keeps only the last message shows what stands.
   */
  presentFor(homeId: string): Promise<DeviceNotice[]>
}
