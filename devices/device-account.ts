/** The login of a device at the broker. By it a decoder knows whether a device spoke itself or a gateway for it. */
export function accountOf(homeId: string, deviceId: string): string {
  return `${homeId}.${deviceId}`
}
