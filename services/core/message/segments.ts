/** How many SMS segments a text needs (3GPP TS 23.038). */

const GSM_BASIC = new Set(
  '@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !"#¤%&\'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà',
)
/** Each costs two septets, an escape before it. */
const GSM_EXTENSION = new Set('\f^{}\\[~]|€')

const GSM_LIMITS = { single: 160, joined: 153 }
/** In UTF-16 units. */
const UCS2_LIMITS = { single: 70, joined: 67 }

export function isGsm7(text: string): boolean {
  for (const character of text) if (!GSM_BASIC.has(character) && !GSM_EXTENSION.has(character)) return false
  return true
}

/** A pair (escape and character, or surrogates) is never cut in two by the end of a segment. */
export function countSegments(text: string): number {
  const gsm7 = isGsm7(text)
  const { single, joined } = gsm7 ? GSM_LIMITS : UCS2_LIMITS
  const widths = Array.from(text, (character) => (gsm7 ? (GSM_EXTENSION.has(character) ? 2 : 1) : character.length))
  if (widths.reduce((sum, width) => sum + width, 0) <= single) return 1
  let segments = 1
  let used = 0
  for (const width of widths) {
    if (used + width > joined) {
      segments += 1
      used = 0
    }
    used += width
  }
  return segments
}
