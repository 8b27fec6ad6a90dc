import { validateRequest } from 'twilio/lib/webhooks/webhooks.js'
import type { SmsWebhooks } from '../../ports.ts'
import { deliveryStateOf } from './sms-delivery.ts'

/** `publicUrl` is how the provider reaches us: it signs the whole address that it calls, not the one that arrives. */
export function createTwilioWebhooks(options: { authToken: string; publicUrl: string }): SmsWebhooks {
  const base = options.publicUrl.replace(/\/+$/, '')
  return {
    isSigned({ pathAndQuery, params, signature }) {
      if (!signature) return false
      return validateRequest(options.authToken, signature, base + pathAndQuery, params)
    },

    readReceipt(params) {
      const providerId = text(params.MessageSid)
      const state = deliveryStateOf(text(params.MessageStatus) ?? '')
      if (!providerId || state === null) return null
      const errorCode = text(params.ErrorCode)
      return { providerId, state, errorCode: errorCode ? `twilio-${errorCode}` : null }
    },

    readIncoming(params) {
      const providerId = text(params.MessageSid)
      const from = text(params.From)
      const to = text(params.To)
      const body = text(params.Body)
      if (!providerId || !from || !to || body === null) return null
      return { providerId, from, to, body, sentAtMs: null }
    },
  }
}

function text(value: unknown): string | null {
  return typeof value === 'string' ? value : null
}
