import { connectRaw, type RawPublisher } from '../homes/raw-publisher.ts'
import { runTown } from '../homes/town.ts'
import { runClosedLoop } from './closed-loop.ts'
import type { IdleOrder, LoadAnswer, LoadOrder, Measurement, TownOrder } from './load-orders.ts'

/** The load, in a process of its own: what it costs is neither the platform's nor the stopwatch's. */

/** Connections that are being opened at once. */
const OPENING_AT_ONCE = 50
const KEEPALIVE_S = 600

let idle: RawPublisher[] = []
let town = new AbortController()

async function obey(order: Measurement): Promise<LoadAnswer> {
  switch (order.type) {
    case 'closed-loop':
      return { type: 'closed-loop', result: await runClosedLoop(order) }
    case 'town':
      return { type: 'town', result: await publishTown(order) }
    case 'idle':
      await openIdle(order)
      return { type: 'idle', connections: idle.filter((connection) => !connection.lost).length }
  }
}

async function publishTown({ host, port, homes, rate, seconds }: TownOrder) {
  town = new AbortController()
  const cpu = process.cpuUsage()
  const result = await runTown({ host, port, homes, rate, seconds, seed: 1, signal: town.signal })
  const used = process.cpuUsage(cpu)
  return { ...result, cpuShare: (used.user + used.system) / 1_000_000 / result.seconds }
}

async function openIdle({ host, port, speakers, connections }: IdleOrder): Promise<void> {
  let next = 0
  idle = []
  const open = async () => {
    while (next < connections) {
      const number = next++
      const speaker = speakers[number % speakers.length]
      if (!speaker) return
      const { username, password } = speaker
      const clientId = `idle-${number}`
      idle.push(await connectRaw({ host, port, username, password, clientId, maxInflight: 1, keepaliveS: KEEPALIVE_S }))
    }
  }
  await Promise.all(Array.from({ length: OPENING_AT_ONCE }, open))
}

function stop(): void {
  town.abort()
  for (const connection of idle.splice(0)) void connection.end()
}

process.on('message', (order: LoadOrder) => {
  if (order.type === 'stop') return stop()
  obey(order)
    .catch((error): LoadAnswer => ({ type: 'failed', message: error instanceof Error ? error.message : String(error) }))
    .then((answer) => process.send?.(answer))
})
process.on('disconnect', () => process.exit(0))
