/** Payloads as JSON and as text: strict UTF-8, and the NULs forgiven that firmware in C ends its strings with. */
export type JsonObject = Readonly<Record<string, unknown>>

const utf8 = new TextDecoder('utf-8', { fatal: true })

/** undefined when the bytes are no JSON text in UTF-8. A key `__proto__` becomes an own property: it changes no lookup. */
export function parseJson(payload: Uint8Array): unknown {
  try {
    return JSON.parse(utf8.decode(withoutTrailingNuls(payload)))
  } catch {
    return undefined
  }
}

/** Without the white space around it; null when the bytes are no UTF-8. */
export function parseText(payload: Uint8Array): string | null {
  try {
    return utf8.decode(withoutTrailingNuls(payload)).trim()
  } catch {
    return null
  }
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function withoutTrailingNuls(payload: Uint8Array): Uint8Array {
  let end = payload.length
  while (end > 0 && payload[end - 1] === 0) end -= 1
  return end === payload.length ? payload : payload.subarray(0, end)
}
