import { connect } from 'mqtt'
import type { DemoDevice } from './platform-process.ts'

/** A button looks for its way back at once, so that the moments after a restart are full of presses. */
const RECONNECT_MS = 100

export type Button = {
  /** QoS 1, sent again until acknowledged; resolves with the PUBACK. */
  say(state: 'pressed' | 'cancelled', id: string): Promise<void>
  close(): Promise<void>
}

/** A button that a person in need presses: whatever happens to its connection, what it said is said again. */
export function connectButton(mqttUrl: string, homeId: string, device: DemoDevice): Button {
  const client = connect(mqttUrl, {
    protocolVersion: 4,
    username: device.username,
    password: device.password,
    clientId: `trial-${homeId}`,
    reconnectPeriod: RECONNECT_MS,
    // "Server unavailable" is what a platform says whose database is away for a moment.
    reconnectOnConnackError: true,
  })
  // Connections that fail are what the trial is about; the client tries again by itself.
  client.on('error', () => undefined)
  return {
    async say(state, id) {
      const said = { id, at: new Date().toISOString(), kind: 'sos', state }
      await client.publishAsync(`care/v1/${homeId}/${device.id}/event`, JSON.stringify(said), { qos: 1 })
    },
    async close() {
      await client.endAsync(true)
    },
  }
}
