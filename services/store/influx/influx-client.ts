import { InfluxDB } from '@influxdata/influxdb-client'

/** After this the outcome of a request is unknown: what it carried may be stored all the same. */
export const TIMEOUT_MS = 10_000

/** `v2` works from 1.8 on, with every 2 and 3; `v1` is for 1.6 and 1.7, whose token is `user:password`. */
export type InfluxAddress = { url: string; token: string; org: string; bucket: string; api: 'v1' | 'v2' }

export type InfluxClient = {
  /** Resolves with the status of any answer below 300. @throws HttpError, or the network's error */
  write(lines: string): Promise<number>
  /** InfluxQL, which every version understands; values go as parameters. @throws with what the server said */
  query(statements: string, params: Record<string, string>): Promise<InfluxRows[]>
}
/** One per statement: rows of values, in the order of what was selected, the time first. */
export type InfluxRows = (number | null)[][]

/**
 * The client's `WriteApi` is not used: it drops what it could not send while its promises resolve, and reads Retry-After
 * as milliseconds. Its transport makes one request and tells what became of it.
 */
export function createInfluxClient(address: InfluxAddress, timeoutMs: number): InfluxClient {
  const { url, token, org, bucket, api } = address
  const { transport } = new InfluxDB({ url, timeout: timeoutMs })
  const authorization: Record<string, string> = token === '' ? {} : { authorization: authorizationOf(token, api) }
  const writePath =
    api === 'v1'
      ? `/write?${new URLSearchParams({ db: bucket })}`
      : `/api/v2/write?${new URLSearchParams({ org, bucket })}`
  const queryPath = `/query?${new URLSearchParams({ db: bucket, epoch: 'ms' })}`
  return {
    async write(lines) {
      let answered = 0
      const headers = { ...authorization, 'content-type': 'text/plain; charset=utf-8' }
      await transport.request(writePath, lines, { method: 'POST', headers }, (_headers, status) => {
        answered = status ?? 0
      })
      return answered
    },
    async query(statements, params) {
      const body = new URLSearchParams({ q: statements, params: JSON.stringify(params) }).toString()
      const headers = {
        ...authorization,
        // Version 3 takes no other type; the client's own would be JSON.
        'content-type': 'application/x-www-form-urlencoded',
        accept: 'application/json',
      }
      return readResults(await transport.request(queryPath, body, { method: 'POST', headers }))
    },
  }
}

function authorizationOf(token: string, api: InfluxAddress['api']): string {
  return api === 'v1' ? `Basic ${Buffer.from(token).toString('base64')}` : `Token ${token}`
}

type QueryAnswer = { error?: string; results?: { error?: string; series?: { values?: InfluxRows }[] }[] }

/** A statement's error comes with status 200; a statement that found nothing has no series. */
function readResults(answer: QueryAnswer): InfluxRows[] {
  const results = answer.results ?? []
  const error = answer.error ?? results.find((result) => result.error !== undefined)?.error
  if (error !== undefined) throw new Error(`InfluxDB cannot answer: ${error}`)
  return results.map((result) => result.series?.[0]?.values ?? [])
}
