import { createHistogram } from 'node:perf_hooks'
import { setTimeout as wait } from 'node:timers/promises'
import { connectRaw, type RawPublisher } from '../homes/raw-publisher.ts'
import type { ClosedLoopOrder, ClosedLoopResult } from './load-orders.ts'
import { numberedReading } from './reading.ts'

const DRAIN_WITHIN_MS = 15_000
const LOOK_EVERY_MS = 20

/**
 * Every connection keeps its window full: each answer makes room for one more message, which leaves in a write of its
 * own as a device's does. The broker's speed decides the rate.
 */
export async function runClosedLoop(order: ClosedLoopOrder): Promise<ClosedLoopResult> {
  const latency = createHistogram()
  const publishers: RawPublisher[] = []
  let over = false
  let connectionsLost = 0
  const fills = new Map<RawPublisher, () => void>()
  for (const [index, speaker] of order.speakers.entries()) {
    const publisher = await connectRaw({
      host: order.host,
      port: order.port,
      username: speaker.username,
      password: speaker.password,
      clientId: `load-${index}`,
      maxInflight: order.inflight,
      ownWrites: true,
      latency,
      onFree: (free) => fills.get(free)?.(),
      onLost: () => {
        connectionsLost += 1
      },
    })
    const topic = Buffer.from(speaker.topic)
    const next = numberedReading(`${index}`, order.payloadBytes)
    fills.set(publisher, () => {
      while (!over && publisher.free > 0) publisher.publish(topic, next())
    })
    publishers.push(publisher)
  }
  for (const fill of fills.values()) fill()
  await wait(order.warmUpSeconds * 1000)
  latency.reset()
  const cpu = process.cpuUsage()
  const startedAt = performance.now()
  const before = acknowledgedBy(publishers)
  await untilEnough(publishers, order, startedAt)
  const measured = acknowledgedBy(publishers) - before
  const seconds = (performance.now() - startedAt) / 1000
  const used = process.cpuUsage(cpu)
  const [pubackP50Ms, pubackP99Ms] = [latency.percentile(50) / 1000, latency.percentile(99) / 1000]
  over = true
  await Promise.race([
    Promise.all(publishers.map((publisher) => publisher.drained())),
    wait(DRAIN_WITHIN_MS, undefined, { ref: false }),
  ])
  const sent = publishers.reduce((sum, publisher) => sum + publisher.sent, 0)
  const acknowledged = acknowledgedBy(publishers)
  await Promise.all(publishers.map((publisher) => publisher.end()))
  return {
    sent,
    acknowledged,
    connectionsLost,
    perSecond: measured / seconds,
    pubackP50Ms,
    pubackP99Ms,
    cpuShare: (used.user + used.system) / 1_000_000 / seconds,
  }
}

async function untilEnough(publishers: RawPublisher[], order: ClosedLoopOrder, startedAt: number): Promise<void> {
  const { seconds, most = Number.POSITIVE_INFINITY } = order
  while (performance.now() - startedAt < seconds * 1000 && acknowledgedBy(publishers) < most) await wait(LOOK_EVERY_MS)
}

function acknowledgedBy(publishers: RawPublisher[]): number {
  return publishers.reduce((sum, publisher) => sum + publisher.acknowledged, 0)
}
