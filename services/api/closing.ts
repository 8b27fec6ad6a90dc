import type { Api } from './server-types.ts'

/** What was asked by then is answered; the longest of our own requests are over in less. */
const ANSWER_WITHIN_MS = 3_000

/**
 * Takes no more, answers what was asked, and then cuts whoever is still connected: browsers open sockets ahead of a
 * request that may never come, and Node does not count those as idle.
 */
export async function closeInTime(app: Api): Promise<void> {
  const timer = setTimeout(() => app.server.closeAllConnections(), ANSWER_WITHIN_MS)
  try {
    await app.close()
  } finally {
    clearTimeout(timer)
  }
}
