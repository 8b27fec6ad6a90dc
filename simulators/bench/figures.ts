/** What a measurement yields: figures by name, and how they were measured in words. */
export type Figure = {
  /** Stable, for `--json`. */
  id: string
  what: string
  measured: Record<string, number>
  /** As the table shows it. */
  shown: string
  how: string
}

export const count = (value: number) => Math.round(value).toLocaleString('en-US')
export const ms = (value: number) => `${value < 10 ? value.toFixed(1) : value.toFixed(0)} ms`
export const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(0)} MB`
