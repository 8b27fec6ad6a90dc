import { setTimeout as sleep } from 'node:timers/promises'
import { SHARD_COUNT } from '../core/shard.ts'
import type { Clock, Hints, Log, LogAppend, LogMessage, Metrics } from '../ports.ts'
import { errorCode } from './error-code.ts'
import type { IngestLimits } from './limits.ts'

const STALL_CHECK_MS = 250

/** A message on its way to disk. `settle` is called once: with true when it is there, with false when it was given up. */
export type WaitingMessage = LogMessage & {
  bytes: number
  arrivedMs: number
  settle(stored: boolean): void
}

export type GroupCommit = {
  append(message: WaitingMessage): void
  /** Resolves when nothing waits any more. */
  idle(): Promise<void>
  close(): void
}

type Options = {
  logAppend: LogAppend
  hints: Hints
  clock: Clock
  log: Log
  metrics: Metrics
  limits: IngestLimits
}

/**
 * One statement at a time takes what arrived while the last one was on its way, so batches grow with the load by
 * themselves. A batch whose commit failed or is unknown is tried again until it is stored; what cannot be stored in
 * time is given up together with its connections, so that the devices come back and send it again.
 */
export function createGroupCommit({ logAppend, hints, clock, log, metrics, limits }: Options): GroupCommit {
  let queue: WaitingMessage[] = []
  let inFlight: WaitingMessage[] = []
  let waitingBytes = 0
  let running = false
  let onIdle: (() => void)[] = []

  function append(message: WaitingMessage): void {
    queue.push(message)
    waitingBytes += message.bytes
    if (waitingBytes > limits.waitingBytes) giveUp('bytes')
    if (running) return
    running = true
    // What arrives in the same turn of the event loop goes into the first batch.
    setImmediate(run)
  }

  async function run(): Promise<void> {
    while (queue.length > 0) {
      inFlight = takeBatch()
      const batch = inFlight
      if (await store(batch)) settleStored(batch)
      inFlight = []
    }
    running = false
    for (const resolve of onIdle.splice(0)) resolve()
  }

  function takeBatch(): WaitingMessage[] {
    let bytes = 0
    let count = 0
    for (const message of queue) {
      bytes += message.bytes
      if (count === limits.batchMessages || (count > 0 && bytes > limits.batchBytes)) break
      count++
    }
    if (count < queue.length) return queue.splice(0, count)
    const batch = queue
    queue = []
    return batch
  }

  /** False: it was given up meanwhile. */
  async function store(batch: WaitingMessage[]): Promise<boolean> {
    for (let pauseMs = limits.retryMs; ; pauseMs = Math.min(pauseMs * 2, limits.retryMaxMs)) {
      try {
        await logAppend.append(batch)
        return inFlight === batch
      } catch (err) {
        if (inFlight !== batch) return false
        metrics.count('anlin_commit_failures_total')
        log.warn(
          { code: errorCode(err), messages: batch.length },
          'a batch is not stored or nobody knows: trying again',
        )
        await sleep(pauseMs)
        if (inFlight !== batch) return false
      }
    }
  }

  function settleStored(batch: WaitingMessage[]): void {
    const shards = new Set<number>()
    let urgent = 0
    for (const message of batch) {
      waitingBytes -= message.bytes
      if (message.lane === 0) urgent++
      if (shards.size < SHARD_COUNT) shards.add(message.shard)
      if (message.rejected !== null) metrics.count('anlin_messages_rejected_total', 1, { code: message.rejected })
      message.settle(true)
    }
    for (const shard of shards) hints.hint('log', String(shard))
    if (urgent > 0) metrics.count('anlin_messages_total', urgent, { lane: 'urgent' })
    if (urgent < batch.length) metrics.count('anlin_messages_total', batch.length - urgent, { lane: 'ordinary' })
    // The one that waited longest stands for its batch.
    const oldest = batch[0]
    if (oldest) metrics.observe('anlin_puback_seconds', (clock.monotonicMs() - oldest.arrivedMs) / 1000)
    metrics.gauge('anlin_commit_waiting_bytes', waitingBytes)
  }

  function giveUp(cause: 'bytes' | 'time'): void {
    const given = [...inFlight, ...queue]
    inFlight = []
    queue = []
    waitingBytes = 0
    log.error({ cause, messages: given.length }, 'the log does not take messages: closing the connections they came by')
    for (const message of given) message.settle(false)
    metrics.gauge('anlin_commit_waiting_bytes', 0)
  }

  const stallCheck = setInterval(() => {
    const oldest = inFlight[0] ?? queue[0]
    if (oldest && clock.monotonicMs() - oldest.arrivedMs > limits.waitingMs) giveUp('time')
  }, STALL_CHECK_MS)

  return {
    append,
    idle: () => (running ? new Promise((resolve) => onIdle.push(resolve)) : Promise.resolve()),
    close() {
      clearInterval(stallCheck)
      onIdle = []
    },
  }
}
