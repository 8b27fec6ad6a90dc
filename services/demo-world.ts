import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'

/** What the demo's outside world (simulators/demo.ts) is told and answers, over the process channel. */
type Order =
  | { type: 'open-phones'; port: number; host: string; accountSid: string; authToken: string; fromNumber: string }
  | { type: 'wake-homes'; demoPath: string; incomingWebhookUrl: string | null }
  | { type: 'end' }
type Answer = { type: 'phones-open'; url: string } | { type: 'failed'; message: string }

export type DemoWorld = {
  /** Starts the phones. @throws when the port is taken */
  openPhones(options: Omit<Extract<Order, { type: 'open-phones' }>, 'type'>): Promise<{ url: string }>
  /** Starts the homes; `incomingWebhookUrl` is where replies go when the phones are ours. */
  wakeHomes(demoPath: string, incomingWebhookUrl: string | null): void
  end(): Promise<void>
}

const START_LIMIT_MS = 15_000
const END_LIMIT_MS = 3_000
/** Few homes and phones need little memory (25 MB), and the whole demo shares a small machine. */
const HEAP_MB = 96
/** With V8's own choice beside a small heap the whole of it was collected thirteen times a second: half a processor. */
const SEMI_SPACE_MB = 2

/**
 * In its own process group: a Ctrl-C meant for us must not take the phones away while messages still go out.
 * @param compiled the folder where Node keeps what it has compiled; null: nowhere
 */
export function startDemoWorld(root: string, compiled: string | null): DemoWorld {
  const child = fork(join(root, 'simulators', 'demo.ts'), {
    detached: true,
    execArgv: [`--max-old-space-size=${HEAP_MB}`, `--max-semi-space-size=${SEMI_SPACE_MB}`],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    env: { PATH: process.execPath, ...(compiled === null ? {} : { NODE_COMPILE_CACHE: compiled }) },
  })
  const exited = once(child, 'exit')
  const order = (message: Order) => void child.send(message)
  return {
    async openPhones(options) {
      order({ type: 'open-phones', ...options })
      const signal = AbortSignal.timeout(START_LIMIT_MS)
      const [answer] = (await Promise.race([
        once(child, 'message', { signal }),
        exited.then(() => [{ type: 'failed', message: 'it ended' }]),
      ])) as [Answer]
      if (answer.type === 'failed') throw new Error(`the SMS gateway simulator does not start: ${answer.message}`)
      return { url: answer.url }
    },
    wakeHomes: (demoPath, incomingWebhookUrl) => order({ type: 'wake-homes', demoPath, incomingWebhookUrl }),
    async end() {
      if (child.exitCode !== null || !child.connected) return
      order({ type: 'end' })
      const timer = setTimeout(() => child.kill('SIGKILL'), END_LIMIT_MS)
      await exited
      clearTimeout(timer)
    },
  }
}
