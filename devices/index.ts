import { decodeNative, nativeDeviceId } from './native/decode.ts'
import type { Decoder } from './observation.ts'

/** Every convention Anlin understands, found by topic and account. One today; each further one is a line here. */
export const decoder: Decoder = {
  deviceIdOf: nativeDeviceId,
  decode: decodeNative,
}
