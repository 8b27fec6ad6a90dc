import type { Subject } from '../convention.ts'
import { isObject, type JsonObject, parseJson } from '../json-payload.ts'
import type { DeviceKind } from '../observation.ts'

/** The name that the base has unless somebody changed it. */
const USUAL_BASE = 'zigbee2mqtt'
const OWN_LEAVES = ['availability', 'action', 'set', 'get']

/**
 * By the usual base, or where that is another by a field that only Zigbee2MQTT has. Everything under `bridge` is from the
 * gateway, whose address is the base.
 */
export function recogniseZigbee2mqtt(topic: string, payload: Uint8Array): Subject | null {
  const [base = '', ...levels] = topic.split('/')
  if (base === '' || levels.length === 0 || levels[0] === '') return null
  const json = parseJson(payload)
  const isUsual = base === USUAL_BASE
  if (!isUsual && !(isObject(json) && 'linkquality' in json)) return null
  if (levels[0] === 'bridge') return { address: base, deviceId: base, kind: 'gateway' }
  const isLeaf = levels.length > 1 && OWN_LEAVES.includes(levels.at(-1) ?? '')
  const deviceId = (isLeaf ? levels.slice(0, -1) : levels).join('/')
  return { address: `${base}/${deviceId}`, deviceId, kind: guessKind(deviceId, isObject(json) ? json : {}) }
}

/** By what it says, else by what it is called; whatever is wrong here is put right when it is placed. */
function guessKind(name: string, json: JsonObject): DeviceKind {
  if ('sos' in json || /sos|panic|pendant|emergency|help|求助|呼叫|紧急/i.test(name)) return 'sos-button'
  if ('smoke' in json) return 'smoke-detector'
  if ('gas' in json) return 'gas-detector'
  if ('carbon_monoxide' in json) return 'co-detector'
  if ('water_leak' in json) return 'leak-sensor'
  if ('fall_down_status' in json) return 'fall-sensor'
  if ('contact' in json) return /bed|mattress|pad|床/i.test(name) ? 'sleep-monitor' : 'door-contact'
  if ('presence' in json || 'occupancy' in json) return 'motion-sensor'
  return 'climate-sensor'
}
