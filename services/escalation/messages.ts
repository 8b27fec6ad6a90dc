import type { SendSms } from '../core/incident/effect.ts'
import { renderMessage } from '../core/message/render.ts'
import type { NewMessage } from '../ports.ts'

export type MessageWriter = { publicUrl: string; write: WriteMessage }
export type WriteMessage = (incidentId: string, effect: SendSms, raisedAtMs: number | null) => NewMessage

/**
 * Turns what the fold wants said into the words that go out.
 * @param linkToken the secret for a link, from the message's id: the same message has the same link however often it is written
 */
export function createMessageWriter(options: {
  publicUrl: string
  linkToken(outboxId: string): string
}): MessageWriter {
  const publicUrl = options.publicUrl.replace(/\/+$/, '')
  const write: WriteMessage = (incidentId, effect, raisedAtMs) => {
    const { outboxId, recipient, message, code, priority } = effect
    const linkToken = effect.withLink ? options.linkToken(outboxId) : null
    const link = linkToken === null ? null : `${publicUrl}/a/${linkToken}`
    return {
      outboxId,
      incidentId,
      recipient: recipient.ref,
      purpose: message.purpose,
      priority,
      code,
      body: renderMessage(message, { language: recipient.language, code, link }),
      raisedAtMs: message.purpose === 'alarm' ? raisedAtMs : null,
      linkToken,
    }
  }
  return { publicUrl, write }
}
