import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import type { Log } from '../../ports.ts'

/** A server that says nothing for so long is not coming; one that says it is recovering is waited for. */
export const START_LIMIT_MS = 30_000
const ASK_EVERY_MS = 25
const PROGRESS_EVERY_MS = 10_000
/** SQLSTATE of a server that starts up: after a crash it reads all of its journal first, which may take minutes. */
const STARTING_UP = '57P03'
/** The same code, in the words of a cluster of ours (locale C): one that ends and hangs in it makes no headway. */
const IS_ENDING = /shutting down/
/** SQLSTATE class of a refused login: asking again changes nothing. */
const REFUSED_LOGIN = /^28/

type Waiting = {
  log: Log
  /** Ends the waiting. */
  ending: AbortSignal
  /** How long it may be without any answer. */
  limitMs?: number
  /** Where this is known of somebody else's server: it ends by itself when its turn comes. */
  isThere?(): boolean
  /** Called whenever it says that it recovers: whoever watches over our start waits on. */
  goesOn?(): void
}

/**
 * Resolves when the server answers, or is not there any more.
 * @throws when it does not answer in time, or refuses us
 */
export async function untilReady(
  url: string,
  { log, ending, limitMs = START_LIMIT_MS, isThere = () => true, goesOn }: Waiting,
): Promise<void> {
  const startedAt = performance.now()
  let deadline = startedAt + limitMs
  let tellAt = startedAt + PROGRESS_EVERY_MS
  while (isThere()) {
    ending.throwIfAborted()
    const cause = await faultOf(url)
    if (cause === null) return
    const now = performance.now()
    if (isRecovering(cause)) {
      deadline = now + limitMs
      if (!IS_ENDING.test(cause.message)) goesOn?.()
    }
    if (now > deadline || REFUSED_LOGIN.test(codeOf(cause))) {
      throw new Error('the database in the data folder does not answer', { cause })
    }
    if (now > tellAt) {
      tellAt = now + PROGRESS_EVERY_MS
      log.warn({ waitedMs: Math.round(now - startedAt), answer: cause.message }, 'waiting for the embedded database')
    }
    await sleep(ASK_EVERY_MS)
  }
}

export function isRecovering(fault: Error): boolean {
  return codeOf(fault) === STARTING_UP
}

export function codeOf(fault: Error): string {
  return 'code' in fault && typeof fault.code === 'string' ? fault.code : ''
}

/** Why the database does not answer; null when it does. */
export async function faultOf(url: string): Promise<Error | null> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 2_000 })
  // The call in hand rejects; that the connection goes as well is no news.
  client.on('error', () => undefined)
  try {
    await client.connect()
    await client.query('select 1')
    return null
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error))
  } finally {
    await client.end().catch(() => undefined)
  }
}
