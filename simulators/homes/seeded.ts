/** A generator of numbers in [0, 1) that gives the same row for the same seed (mulberry32), so that runs can be repeated. */
export type Random = () => number

export function seededRandom(seed: number): Random {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** A seed of its own for each part of a run (a home, a device, a day), so that adding one changes no other. FNV-1a. */
export function seedFor(seed: number, ...parts: (string | number)[]): number {
  let hash = (0x811c9dc5 ^ seed) >>> 0
  for (const character of parts.join('/')) {
    hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193) >>> 0
  }
  return hash
}

export function between(random: Random, low: number, high: number): number {
  return low + random() * (high - low)
}

/** `value` give or take `part` of it: 60 s ± 0.1 is 54 s to 66 s. Devices that all speak in the same instant are no town. */
export function jittered(random: Random, value: number, part: number): number {
  return value * between(random, 1 - part, 1 + part)
}

export function rounded(value: number, decimals: number): number {
  return Number(value.toFixed(decimals))
}
