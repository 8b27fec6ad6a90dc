/** What ingest bounds, and what happens at the limit. */
export type IngestLimits = {
  /** More than these are closed unanswered: a balancer or a later attempt finds room. */
  connections: number
  /** The oldest is ended: a device coming back after a cut must not be locked out by its own half-open connections. */
  connectionsPerAccount: number
  /** From TCP accept to CONNACK; then the connection is closed, within half a second. */
  connectWithinMs: number
  /** One MQTT packet, header aside, before and after CONNACK; a longer one closes the connection before it is parsed. */
  packetBytesBeforeConnack: number
  packetBytes: number
  /** Uncommitted messages of one connection; above it the connection is not read until some are committed. */
  waitingMessagesPerConnection: number
  /** Uncommitted bytes and the age of the oldest uncommitted message; above it the connections they came by are closed. */
  waitingBytes: number
  waitingMs: number
  /** How long a client may take none of its answers; it is not read meanwhile, and then closed. */
  slowReaderMs: number
  /** A further SUBSCRIBE is answered with failure (0x80). */
  subscriptionsPerConnection: number
  /** Characters of a topic; a message on a longer one is stored as rejected, a subscription refused. */
  topicLength: number
  /** Messages a second one account may send for long (a gateway: times its devices); above it its reader pauses. */
  ratePerAccount: number
  /** One statement takes no more: an alarm waits for the one under way. */
  batchMessages: number
  batchBytes: number
  /** Pause after a commit that failed; where the database is there and refuses it doubles up to `retryMaxMs`. */
  retryMs: number
  retryMaxMs: number
  /** How long `close` waits for commits, and then for clients to take their last answers. */
  drainMs: number
  lingerMs: number
}

export const INGEST_LIMITS: IngestLimits = {
  connections: 12_000,
  connectionsPerAccount: 4,
  connectWithinMs: 5_000,
  packetBytesBeforeConnack: 4 * 1024,
  packetBytes: 64 * 1024,
  waitingMessagesPerConnection: 1_000,
  waitingBytes: 32 * 1024 * 1024,
  waitingMs: 10_000,
  slowReaderMs: 10_000,
  subscriptionsPerConnection: 500,
  topicLength: 1_024,
  ratePerAccount: 50,
  batchMessages: 1_000,
  batchBytes: 4 * 1024 * 1024,
  retryMs: 50,
  retryMaxMs: 1_000,
  drainMs: 10_000,
  lingerMs: 1_000,
}
