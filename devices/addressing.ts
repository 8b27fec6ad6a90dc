import { accountOf } from './device-account.ts'
import type { PlacedDevice, RawMessage } from './observation.ts'

/** A topic of a convention without homes in it means what is placed behind the account that published it: two homes may use the same. */
export function findAddressed(
  { homeId, account, topic }: Pick<RawMessage, 'homeId' | 'account' | 'topic'>,
  devices: readonly PlacedDevice[],
): PlacedDevice | null {
  const isBehind = ({ deviceId, gatewayId, retired }: PlacedDevice) =>
    !retired && (account === accountOf(homeId, deviceId) || account === accountOf(homeId, gatewayId ?? ''))
  return findByAddress(topic, devices, isBehind)
}

type Addressed = { address?: string | null }

/** Names may hold slashes: the longest address is meant, and a gateway's own is shorter than those behind it. */
export function findByAddress<Device extends Addressed>(
  topic: string,
  devices: readonly Device[],
  isMeant: (device: Device) => boolean = () => true,
): Device | null {
  let found: Device | null = null
  for (const device of devices) {
    const { address } = device
    if (!address || address.length <= (found?.address ?? '').length) continue
    if (isUnder(topic, address) && isMeant(device)) found = device
  }
  return found
}

function isUnder(topic: string, address: string): boolean {
  return topic.startsWith(address) && (topic.length === address.length || topic[address.length] === '/')
}

/** What follows the address, without the slash between; empty where nothing does. */
export function restOfTopic(topic: string, { address }: Addressed): string {
  return topic.slice((address ?? '').length + 1)
}
