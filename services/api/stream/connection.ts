import type { ServerResponse } from 'node:http'

/** A reader that leaves so much unread is dropped: it comes back and reads everything anew. */
export const MAX_BUFFERED_BYTES = 1_048_576

type EventName = 'incident' | 'home' | 'device' | 'heartbeat' | 'reset'
export type DropReason = 'slow-reader' | 'rights-ended' | 'client-gone' | 'closing'

/** One page that listens. `homes` null: all of them. */
export type Listener = {
  readonly token: string
  readonly userId: string
  personal: boolean
  homes: ReadonlySet<string> | null
  /** `data` is JSON: written down once for however many listen. */
  send(event: { name: EventName; data: string; id?: string | undefined }): void
  end(reason: DropReason): void
}

export function openListener(
  response: ServerResponse,
  who: Pick<Listener, 'token' | 'userId' | 'personal' | 'homes'>,
  onEnd: (listener: Listener, reason: DropReason) => void,
): Listener {
  let ended = false
  const listener: Listener = {
    ...who,
    send({ name, data, id }) {
      if (ended) return
      if (response.writableLength > MAX_BUFFERED_BYTES) return listener.end('slow-reader')
      response.write(`${id === undefined ? '' : `id: ${id}\n`}event: ${name}\ndata: ${data}\n\n`)
    },
    end(reason) {
      if (ended) return
      ended = true
      // What a slow reader has not taken would keep the socket open for ever.
      if (reason === 'slow-reader') response.destroy()
      else response.end()
      onEnd(listener, reason)
    },
  }
  response.on('close', () => listener.end('client-gone'))
  response.on('error', () => listener.end('client-gone'))
  return listener
}

export function mayHear(listener: Listener, homeId: string): boolean {
  return listener.homes === null || listener.homes.has(homeId)
}
