import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import { createWorkbench } from '../devices/workbench.ts'
import { readDecodeLine } from './decode-line.ts'

/** What Anlin makes of a device's messages, before anybody buys or places it. */

const HELP = `npm run decode < messages.jsonl

Reads one message a line, in the order in which they were sent, and says of each what Anlin understands.

  in    {"topic":"zigbee2mqtt/bathroom","payload":{"action":"emergency"}}
        payload: what is no text stands for its JSON, a text is the payload itself; payloadBase64: exact bytes
        also retained (true), receivedAt (ISO 8601 or epoch ms; else now)
  out   {"line":1,"convention":"zigbee2mqtt","observations":[{"deviceId":"bathroom","kind":"sos","state":"pressed","at":"…"}],"rejected":null}
        a repeated or stale alarm has "duplicate":true or "stale":true and would alarm nobody

Ends with 0; with 1 when a line could not be read as a message.
`
const LINE_CHARACTERS = 200_000

async function main(): Promise<number> {
  const { values } = parseArgs({ options: { help: { type: 'boolean', short: 'h', default: false } } })
  if (values.help) {
    process.stdout.write(HELP)
    return 0
  }
  const workbench = createWorkbench()
  let line = 0
  let unreadable = 0
  for await (const text of createInterface({ input: process.stdin })) {
    line += 1
    if (text.trim() === '') continue
    const read = text.length > LINE_CHARACTERS ? 'line-too-long' : readDecodeLine(text, Date.now())
    if (typeof read === 'string') unreadable += 1
    const said =
      typeof read === 'string' ? { convention: null, observations: [], rejected: read } : workbench.decode(read)
    if (!process.stdout.write(`${JSON.stringify({ line, ...said })}\n`)) await once(process.stdout, 'drain')
  }
  if (unreadable > 0) process.stderr.write(`${unreadable} of ${line} lines are no messages\n`)
  return unreadable > 0 ? 1 : 0
}

process.exitCode = await main()
