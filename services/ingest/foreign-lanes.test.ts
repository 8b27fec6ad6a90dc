import { expect, test } from 'vitest'
import { judgePublish, rightsOf } from './topic-rights.ts'

const TOPIC_LENGTH = 256
const rights = (deviceId: string, devices: { deviceId: string; kind: string; address?: string | null }[]) =>
  rightsOf({ account: `home.${deviceId}`, homeId: 'home', deviceId, devices, secretHash: new Uint8Array() })

test('in another convention an alarm device is urgent, also behind its gateway, and nothing else there is', () => {
  const gateway = rights('gateway', [
    { deviceId: 'gateway', kind: 'gateway', address: 'zigbee2mqtt' },
    { deviceId: 'sos', kind: 'sos-button', address: 'zigbee2mqtt/bath' },
    { deviceId: 'door', kind: 'door-contact', address: 'zigbee2mqtt/bath/door' },
    { deviceId: 'native', kind: 'smoke-detector', address: null },
  ])
  const laneOf = (topic: string) => judgePublish(gateway, topic, TOPIC_LENGTH).lane
  expect(['zigbee2mqtt/bath', 'zigbee2mqtt/bath/action'].map(laneOf)).toEqual([0, 0])
  expect(['zigbee2mqtt/bath/door', 'zigbee2mqtt/bathroom', 'zigbee2mqtt/bridge/state', 'other'].map(laneOf)).toEqual([
    1, 1, 1, 1,
  ])
  const button = rights('sos', [{ deviceId: 'sos', kind: 'sos-button', address: null }])
  expect(judgePublish(button, 'shellies/sos', TOPIC_LENGTH)).toEqual({ lane: 0, rejected: null })
})
