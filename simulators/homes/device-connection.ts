import { connect, type IClientOptions, type MqttClient } from 'mqtt'
import type { DeviceAccount } from './demo-file.ts'
import { jittered, type Random } from './seeded.ts'

/** Events waiting for their PUBACK on one device. A real button's memory is smaller; at the limit a press is refused. */
const MAX_EVENTS_WAITING = 100
/** Telemetry waiting for its PUBACK. At the limit a measurement is left out: the next one says the same and is newer. */
const MAX_TELEMETRY_WAITING = 20
const KEEPALIVE_S = 60
const RECONNECT_MS = 2000

export type Incident = {
  incidentId: string
  kind: string
  status: 'open' | 'acknowledged' | 'resolved'
  takenBy: string | null
  etaMin: number | null
  at: string
}

export type DeviceConnectionOptions = {
  url: string
  homeId: string
  device: DeviceAccount
  clientId: string
  /** The first part of every message's id; unique per run, so that a restarted device is not taken for its own echo. */
  run: string
  random: Random
  nowMs?: () => number
  /** A scenario's connection beside the device's own has none: its end is not the device's end. */
  lastWill?: boolean
  onConnect?: () => void
  onIncident?: (incident: Incident) => void
  /** Connections that fail are tried again by themselves; this only tells. */
  onTrouble?: (error: Error) => void
}

export type Said = { id: string; topic: string; acknowledgedAfterMs: number }

export type DeviceConnection = {
  readonly connected: boolean
  /** QoS 1, kept and sent again until acknowledged. */
  event(body: object, atMs?: number): Promise<Said>
  /** QoS 1; left out (null) while not connected or while too much waits. */
  telemetry(body: object, atMs?: number): Promise<Said> | null
  /** Retained. */
  status(body: object): Promise<void>
  subscribed: Promise<void>
  /** The plug is pulled: no DISCONNECT, so that the broker speaks the last will. */
  cut(): void
  close(): Promise<void>
}

class DeviceRefused extends Error {
  readonly code = 'device-refused'
}

function clientOptions(options: DeviceConnectionOptions, topic: string): IClientOptions {
  return {
    protocolVersion: 4,
    clientId: options.clientId,
    username: options.device.username,
    password: options.device.password,
    clean: true,
    keepalive: KEEPALIVE_S,
    reconnectPeriod: jittered(options.random, RECONNECT_MS, 0.5),
    // A platform whose database is away for a moment answers "server unavailable"; a device tries again all the same.
    reconnectOnConnackError: true,
    connectTimeout: 10_000,
    resubscribe: false,
    queueQoSZero: false,
    ...(options.lastWill === false
      ? {}
      : { will: { topic: `${topic}/status`, payload: Buffer.from('{"state":"offline"}'), qos: 1, retain: true } }),
  }
}

function readIncident(payload: Uint8Array): Incident | null {
  try {
    const value = JSON.parse(Buffer.from(payload).toString()) as Partial<Incident> | null
    return typeof value?.incidentId === 'string' ? (value as Incident) : null
  } catch {
    return null
  }
}

/** Calls back on every connect, first and later: subscribe to the lamp, then let the device say that it is there. */
function listen(client: MqttClient, topic: string, options: DeviceConnectionOptions): Promise<void> {
  client.on('message', (_topic, payload) => {
    const incident = readIncident(payload)
    if (incident) options.onIncident?.(incident)
  })
  client.on('error', (error) => options.onTrouble?.(error))
  return new Promise((resolve) => {
    client.on('connect', () => {
      client.subscribe(`${topic}/incident`, { qos: 1 }, (error) => {
        if (error) options.onTrouble?.(error)
        else resolve()
      })
      options.onConnect?.()
    })
  })
}

export function connectDevice(options: DeviceConnectionOptions): DeviceConnection {
  const now = options.nowMs ?? Date.now
  const topic = `care/v1/${options.homeId}/${options.device.id}`
  const client = connect(options.url, clientOptions(options, topic))
  const subscribed = listen(client, topic, options)
  const waiting = { event: 0, telemetry: 0 }
  let count = 0

  async function say(suffix: 'event' | 'telemetry', body: object, atMs: number): Promise<Said> {
    count += 1
    const id = `${options.run}-${options.device.id}-${count}`
    const startedAt = performance.now()
    waiting[suffix] += 1
    try {
      const payload = JSON.stringify({ id, at: new Date(atMs).toISOString(), ...body })
      await client.publishAsync(`${topic}/${suffix}`, payload, { qos: 1 })
    } finally {
      waiting[suffix] -= 1
    }
    return { id, topic: `${topic}/${suffix}`, acknowledgedAfterMs: performance.now() - startedAt }
  }

  return {
    get connected() {
      return client.connected
    },
    async event(body, atMs = now()) {
      if (waiting.event >= MAX_EVENTS_WAITING) {
        throw new DeviceRefused(`${options.device.id}: ${MAX_EVENTS_WAITING} events wait for their acknowledgement`)
      }
      return say('event', body, atMs)
    },
    telemetry(body, atMs = now()) {
      if (!client.connected || waiting.telemetry >= MAX_TELEMETRY_WAITING) return null
      return say('telemetry', body, atMs)
    },
    async status(body) {
      await client.publishAsync(`${topic}/status`, JSON.stringify(body), { qos: 1, retain: true })
    },
    subscribed,
    cut() {
      client.end(true)
    },
    async close() {
      await client.endAsync(!client.connected)
    },
  }
}
