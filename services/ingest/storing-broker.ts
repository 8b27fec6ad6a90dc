import { Readable } from 'node:stream'
import { Aedes, type AedesOptions, type AedesPublishPacket, type Client, type PublishPacket } from 'aedes'
import { writeToStream } from 'mqtt-packet'

type Done = (error?: Error) => void

/** What a client pipelines before its CONNACK; more closes the connection. */
const QUEUE_LIMIT = 1_000
/** QoS 2 messages of one client between PUBREC and PUBREL; more closes the connection. */
const INBOUND_QOS2_LIMIT = 1_000
/** A client that reads nothing of what it is sent is closed. */
const DRAIN_MS = 10_000
/** Client ids carry their account in front, so MQTT 3.1's 23 characters say nothing any more. */
const CLIENT_ID_LIMIT = 200_000

/**
 * Aedes without its routing: what a client publishes is stored by `authorizePublish` and goes to nobody else, so that
 * no client ever hears another (P7). Messages to devices are written to one connection with `client.publish`.
 */
class StoringBroker extends Aedes {
  /** Topics of any depth are stored; Aedes' limit protects the matcher that is not here. */
  maxTopicLevels = Number.POSITIVE_INFINITY

  override publish(_packet: PublishPacket, client: Client | Done | null, done?: Done): void {
    const settle = typeof client === 'function' ? client : done
    settle?.()
  }
}

type Handlers = Pick<AedesOptions, 'preConnect' | 'authenticate' | 'authorizePublish' | 'authorizeSubscribe'>

export async function createStoringBroker(
  handlers: Handlers & { connectWithinMs: number; received: ReceivedQos2 },
): Promise<Aedes> {
  const { connectWithinMs, received, ...rest } = handlers
  // Every 16-bit number as a buffer ready to be written would be 8 MB, for a broker whose PUBACKs we write ourselves.
  writeToStream.cacheNumbers = false
  const broker = new StoringBroker({
    ...rest,
    mq: silentEmitter,
    persistence: forgetful(received),
    connectTimeout: connectWithinMs,
    drainTimeout: DRAIN_MS,
    queueLimit: QUEUE_LIMIT,
    maxInflightInbound: INBOUND_QOS2_LIMIT,
    maxClientsIdLength: CLIENT_ID_LIMIT,
  })
  await broker.listen()
  return broker
}

/** Takes subscriptions and emits nothing: in Aedes every subscription of every client would sit in its matcher. */
const silentEmitter = {
  on: (_topic: string, _listener: unknown, done?: () => void) => done && setImmediate(done),
  removeListener: (_topic: string, _listener: unknown, done?: () => void) => done && setImmediate(done),
  emit: (_message: unknown, done?: () => void) => done?.(),
  close: (done: () => void) => setImmediate(done),
}

/** Packet ids between PUBREC and PUBREL. They end with the connection; a repeat after that is stored marked DUP. */
export type ReceivedQos2 = {
  has(client: Client, packetId: number): boolean
  add(client: Client, packetId: number): void
  delete(client: Client, packetId: number): void
}

export function receivedQos2(): ReceivedQos2 {
  const byClient = new WeakMap<Client, Set<number>>()
  return {
    has: (client, packetId) => byClient.get(client)?.has(packetId) ?? false,
    add(client, packetId) {
      const ids = byClient.get(client)
      if (ids) ids.add(packetId)
      else byClient.set(client, new Set([packetId]))
    },
    delete: (client, packetId) => byClient.get(client)?.delete(packetId),
  }
}

type Numbered = { messageId?: number }

/**
 * The part of a persistence that Aedes asks for, keeping nothing but QoS 2 handshakes: what devices are owed are rows
 * in the database, sent anew on each connect. Sessions and retained messages in a broker's memory end with it.
 */
function forgetful(received: ReceivedQos2) {
  return {
    async setup() {},
    async storeRetained() {},
    async addSubscriptions() {},
    async removeSubscriptions() {},
    async subscriptionsByClient() {
      return []
    },
    async subscriptionsByTopic() {
      return []
    },
    async cleanSubscriptions() {},
    createRetainedStreamCombi: () => Readable.from([]),
    // An iterable is enough for Aedes' pipeline, and leaves half the garbage of a stream at each login.
    outgoingStream: () => [],
    async outgoingEnqueue() {},
    async outgoingEnqueueCombi() {},
    async outgoingUpdate() {},
    async outgoingClearMessageId() {},
    async incomingStorePacket(client: Client, packet: Numbered) {
      received.add(client, packet.messageId ?? 0)
    },
    async incomingGetPacket(client: Client, packet: Numbered): Promise<Numbered> {
      if (received.has(client, packet.messageId ?? 0)) return packet
      throw new Error('no such packet')
    },
    async incomingDelPacket(client: Client, packet: Numbered) {
      received.delete(client, packet.messageId ?? 0)
    },
    async cleanIncoming() {},
    async putWill() {},
    async delWill() {},
    streamWill: () => Readable.from([]),
  }
}

/** What Aedes' own types leave out: a last will comes to `authorizePublish` as it stood in CONNECT, without `cmd`. */
export function isLastWill(packet: PublishPacket | AedesPublishPacket): boolean {
  return packet.cmd !== 'publish'
}
