import { parseArgs } from 'node:util'
import { startSmsGateway } from './gateway.ts'

const HELP = `An SMS gateway that speaks Twilio's API and sends nothing: its phones are on its page.

node simulators/sms-gateway/main.ts [options]

  --port N                      port to listen on (8090; 0 = any free one)
  --host ADDRESS                address to listen on (127.0.0.1)
  --account-sid AC…             the account (AC and 32 zeros)
  --auth-token TOKEN            its password, also signs the webhooks (simulator)
  --from +NUMBER                the number it sends from (+8615500000000)
  --incoming-webhook-url URL    where replies are posted (none)
  --help
`

try {
  await run()
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\nSee --help.\n`)
  process.exitCode = 1
}

async function run(): Promise<void> {
  const { values } = parseArgs({
    options: {
      port: { type: 'string', default: '8090' },
      host: { type: 'string', default: '127.0.0.1' },
      'account-sid': { type: 'string', default: `AC${'0'.repeat(32)}` },
      'auth-token': { type: 'string', default: 'simulator' },
      from: { type: 'string', default: '+8615500000000' },
      'incoming-webhook-url': { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) {
    process.stdout.write(HELP)
    return
  }
  const incomingWebhookUrl = values['incoming-webhook-url']
  const gateway = await startSmsGateway({
    port: Number(values.port),
    host: values.host,
    accountSid: values['account-sid'],
    authToken: values['auth-token'],
    fromNumber: values.from,
    ...(incomingWebhookUrl === undefined ? {} : { incomingWebhookUrl }),
    logger: { warn: (fields, message) => process.stderr.write(`${message} ${JSON.stringify(fields)}\n`) },
  })
  process.stdout.write(`SMS gateway simulator: ${gateway.url} (Twilio account ${values['account-sid']})\n`)
}
