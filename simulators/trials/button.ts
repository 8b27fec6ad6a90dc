import { connect } from 'mqtt'
import type { DemoDevice } from './platform-process.ts'

/** A button looks for its way back at once, so that the moments after a restart are full of presses. */
const RECONNECT_MS = 100
/** What nobody answers any more is given up after at most one and a half of these, and said again over the next connection. */
const KEEPALIVE_S = 5

export type Button = {
  /** QoS 1, sent again until acknowledged; resolves with the PUBACK. */
  say(state: 'pressed' | 'cancelled', id: string): Promise<void>
  /** How often it had to send something once more. */
  saidAgain(): number
  /** Its connection breaks; resolves with the next one. */
  reconnect(): Promise<void>
  close(): Promise<void>
}

/** A button that a person in need presses: whatever happens to its connection, what it said is said again. */
export function connectButton(
  mqttUrl: string,
  homeId: string,
  device: Pick<DemoDevice, 'id' | 'username' | 'password'>,
): Button {
  const client = connect(mqttUrl, {
    protocolVersion: 4,
    username: device.username,
    password: device.password,
    clientId: `trial-${homeId}-${device.id}`,
    keepalive: KEEPALIVE_S,
    reconnectPeriod: RECONNECT_MS,
    // "Server unavailable" is what a platform says whose database is away for a moment.
    reconnectOnConnackError: true,
  })
  // Connections that fail are what the trial is about; the client tries again by itself.
  client.on('error', () => undefined)
  let again = 0
  let before = ''
  client.on('packetsend', (packet) => {
    if (packet.cmd !== 'publish') return
    // As many clients, this one does not mark it with DUP.
    if (String(packet.payload) === before) again += 1
    before = String(packet.payload)
  })
  return {
    async say(state, id) {
      const said = { id, at: new Date().toISOString(), kind: 'sos', state }
      await client.publishAsync(`care/v1/${homeId}/${device.id}/event`, JSON.stringify(said), { qos: 1 })
    },
    saidAgain: () => again,
    async reconnect() {
      const connected = new Promise<void>((done) => client.once('connect', () => done()))
      client.stream.destroy()
      await connected
    },
    async close() {
      await client.endAsync(true)
    },
  }
}
