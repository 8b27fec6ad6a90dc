/** One more rule than this is refused: a test that needs more has forgotten its DELETE /faults. */
export const MAX_FAULTS = 100

const DEFAULT_SLOW_MS = 3_000
const DEFAULT_LATE_MS = 5_000
const DEFAULT_REJECT_CODE = 21610
const DEFAULT_UNDELIVERED_CODE = 30003

const FAULT_MODES = [
  'ok',
  'reject',
  'http-500',
  'rate-limit',
  'slow',
  'hang',
  'accepted-never-delivered',
  'undelivered',
  'no-receipts',
  'duplicate-receipts',
  'late-receipts',
  'drop-after-accept',
] as const

type FaultMode = (typeof FAULT_MODES)[number]

export type FaultRule = {
  match?: { to?: string; channel?: 'sms' }
  mode: FaultMode
  errorCode?: number
  delayMs?: number
  probability?: number
  seed?: number
}

/** Plain JSON schema: TypeBox costs 8 MB more in a program that has two schemas. */
export const faultRuleSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['mode'],
  properties: {
    match: {
      type: 'object',
      additionalProperties: false,
      properties: { to: { type: 'string', maxLength: 32 }, channel: { const: 'sms' } },
    },
    mode: { enum: FAULT_MODES },
    errorCode: { type: 'integer', minimum: 10_000, maximum: 99_999 },
    delayMs: { type: 'integer', minimum: 0, maximum: 600_000 },
    probability: { type: 'number', minimum: 0, maximum: 1 },
    seed: { type: 'integer', minimum: 0 },
  },
}

/** What happens to one message. `delayMs` is already filled in for the modes that wait. */
export type Fault = { mode: FaultMode; errorCode: number; delayMs: number }

const HEALTHY: Fault = { mode: 'ok', errorCode: 0, delayMs: 0 }

export type Faults = ReturnType<typeof createFaults>

export function createFaults() {
  let rules: { rule: FaultRule; random: () => number }[] = []

  /** A later rule wins over an earlier one; one with the same match takes its place. */
  function put(rule: FaultRule): boolean {
    const to = rule.match?.to
    const kept = rules.filter((other) => other.rule.match?.to !== to)
    if (kept.length >= MAX_FAULTS) return false
    rules = [...kept, { rule, random: seededRandom(rule.seed ?? 1) }]
    return true
  }

  function pick(to: string): Fault {
    const found = rules.findLast(({ rule }) => rule.match?.to === undefined || rule.match.to === to)
    if (!found || found.random() >= (found.rule.probability ?? 1)) return HEALTHY
    const { mode, errorCode, delayMs } = found.rule
    return {
      mode,
      errorCode: errorCode ?? (mode === 'undelivered' ? DEFAULT_UNDELIVERED_CODE : DEFAULT_REJECT_CODE),
      delayMs: delayMs || (mode === 'late-receipts' ? DEFAULT_LATE_MS : DEFAULT_SLOW_MS),
    }
  }

  return {
    put,
    pick,
    list: (): FaultRule[] => rules.map(({ rule }) => rule),
    clear: (): void => {
      rules = []
    },
  }
}

/** mulberry32: the same seed gives the same faults in the same order, so a run can be repeated. */
function seededRandom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
