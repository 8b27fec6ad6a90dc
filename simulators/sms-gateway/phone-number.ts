/** E.164: a plus, a country code that does not begin with 0, at most 15 digits. */
const E_164 = /^\+[1-9]\d{6,14}$/

export function isPhoneNumber(text: string): boolean {
  return E_164.test(text)
}
