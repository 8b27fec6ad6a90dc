import { randomBytes } from 'node:crypto'

/** The oldest message is forgotten when one more would not fit. */
const MAX_MESSAGES = 20_000

export type MessageStatus = 'queued' | 'sent' | 'delivered' | 'undelivered' | 'received'

export type Message = {
  readonly sid: string
  readonly direction: 'inbound' | 'outbound-api'
  readonly from: string
  readonly to: string
  readonly body: string
  readonly statusCallback: string | null
  readonly acceptedAtMs: number
  status: MessageStatus
  errorCode: number | null
  sentAtMs: number | null
  updatedAtMs: number
}

export type NewMessage = Pick<Message, 'direction' | 'from' | 'to' | 'body' | 'statusCallback'>

export type MessageStore = ReturnType<typeof createMessageStore>

/** Everything the gateway remembers, in memory, in the order in which it was accepted. */
export function createMessageStore() {
  const messages = new Map<string, Message>()
  let revision = 0

  function add(message: NewMessage): Message {
    const now = Date.now()
    const inbound = message.direction === 'inbound'
    const added: Message = {
      ...message,
      sid: `SM${randomBytes(16).toString('hex')}`,
      acceptedAtMs: now,
      status: inbound ? 'received' : 'queued',
      errorCode: null,
      sentAtMs: inbound ? now : null,
      updatedAtMs: now,
    }
    messages.set(added.sid, added)
    if (messages.size > MAX_MESSAGES) {
      const oldest = messages.keys().next()
      if (!oldest.done) messages.delete(oldest.value)
    }
    revision += 1
    return added
  }

  function move(message: Message, status: MessageStatus, errorCode: number | null): void {
    const now = Date.now()
    message.status = status
    message.errorCode = errorCode
    message.updatedAtMs = now
    message.sentAtMs ??= now
    revision += 1
  }

  return {
    add,
    move,
    get: (sid: string): Message | undefined => messages.get(sid),
    /** Oldest first. */
    all: (): IterableIterator<Message> => messages.values(),
    /** Changes whenever anything shown changes. */
    revision: (): number => revision,
  }
}

/** The person's number: who got an outbound message or wrote an inbound one. */
export function phoneOf(message: Message): string {
  return message.direction === 'inbound' ? message.from : message.to
}
