import type { MeasurementField } from './observation.ts'

/**
 * Ranges outside of which a number is a fault of the sensor and not a reading. Wide on purpose: what is dangerous
 * must never be thrown away as implausible. native/README.md lists the same figures; a test holds the two together.
 */
export const FIELD_RANGES: Readonly<Record<MeasurementField, { min: number; max: number; unit: string }>> = {
  heartRatePerMin: { min: 0, max: 350, unit: '/min' },
  respirationPerMin: { min: 0, max: 150, unit: '/min' },
  bedOccupied: { min: 0, max: 1, unit: 'true / false' },
  movement: { min: 0, max: 1_000_000, unit: 'as the device counts' },
  signalQuality: { min: 0, max: 1, unit: 'share of 1' },
  gasLelPercent: { min: -10, max: 1_000, unit: '% LEL' },
  coPpm: { min: -50, max: 100_000, unit: 'ppm' },
  temperatureC: { min: -60, max: 150, unit: '°C' },
  humidityPercent: { min: 0, max: 100, unit: '%' },
  batteryPercent: { min: 0, max: 100, unit: '%' },
  rssiDbm: { min: -150, max: 30, unit: 'dBm' },
}

export type Values = Partial<Record<MeasurementField, number>>

/** A number, or a boolean as 0 or 1; null when it is neither or outside its range. */
export function readField(field: MeasurementField, value: unknown): number | null {
  const number = typeof value === 'boolean' ? Number(value) : value
  if (typeof number !== 'number' || !Number.isFinite(number)) return null
  const range = FIELD_RANGES[field]
  // Adding zero turns -0 into 0, which JSON could not keep.
  return number >= range.min && number <= range.max ? number + 0 : null
}
