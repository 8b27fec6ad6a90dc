import { readDemoFile } from './homes/demo-file.ts'
import { type Homes, startHomes } from './homes/homes.ts'
import { type SmsGateway, startSmsGateway } from './sms-gateway/gateway.ts'

/**
 * The outside world of the demo in one light process: the phones and the homes. The platform starts it and tells it
 * over the process channel what to do; it ends when asked, or when the platform is gone.
 */
export type DemoOrder =
  | { type: 'open-phones'; port: number; host: string; accountSid: string; authToken: string; fromNumber: string }
  | { type: 'wake-homes'; demoPath: string; incomingWebhookUrl: string | null }
  | { type: 'end' }
export type DemoAnswer = { type: 'phones-open'; url: string } | { type: 'failed'; message: string }

let gateway: SmsGateway | null = null
let homes: Homes | null = null

async function obey(order: DemoOrder): Promise<void> {
  switch (order.type) {
    case 'open-phones': {
      const { type: _, ...options } = order
      gateway = await startSmsGateway(options)
      answer({ type: 'phones-open', url: gateway.url })
      return
    }
    case 'wake-homes':
      gateway?.setIncomingWebhookUrl(order.incomingWebhookUrl)
      homes = startHomes({ demo: readDemoFile(order.demoPath), seed: 1, demoPath: order.demoPath })
      return
    case 'end':
      await homes?.close()
      await gateway?.close()
      process.exit(0)
  }
}

function answer(message: DemoAnswer): void {
  process.send?.(message)
}

process.on('message', (order: DemoOrder) => {
  obey(order).catch((error) => answer({ type: 'failed', message: error instanceof Error ? error.message : 'unknown' }))
})
process.on('disconnect', () => process.exit(0))
