import { setTimeout as sleep } from 'node:timers/promises'
import { type Job, Queue, type QueueOptions, Worker, type WorkerOptions, withBackend } from 'bullmq'
import { Redis } from 'ioredis'
import pg from 'pg'
import type { HintListener, Hints, HintTopic, Log } from '../../ports.ts'

/** Different hints under way to the queue at once; further ones are dropped and the sweep finds the work within a second. */
const SENDING_LIMIT = 200
/** Keys worked on at once per topic in one process. */
const CONCURRENCY = 8
const CLOSE_LIMIT_MS = 3_000
/** On PostgreSQL each queue has connections of its own, and every process has a few queues: the server's are counted. */
const CONNECTIONS_PER_QUEUE = 2
/** As for our own connections: a frozen process must not hide newer rows from the log's readers. */
const IDLE_IN_TRANSACTION_MS = 2_000
const STATEMENT_MS = 9_000

/** BullMQ refuses an empty deduplication id, and some hints have no key. */
const NO_KEY = 'all'
/**
 * A hint without a key says "look at all of it", and goes out at most once in so long. Ordinary rows of the log gather for
 * longer before they are folded; an alarm's hint names its home and never waits.
 */
const KEYLESS_PAUSE_MS: Record<HintTopic, number> = { log: 100, incident: 0, outbox: 0 }

export type QueueAddress = { kind: 'redis'; url: string } | { kind: 'postgres'; url: string }
export type QueueHints = Hints & {
  listen(topic: HintTopic, listener: HintListener): void
  /** Whether the last hint reached it. */
  isUp(): boolean
  close(): Promise<void>
}

/**
 * Hints between processes, on BullMQ: one running and at most one waiting job per key, so a storm of hints becomes a
 * handful of runs. Any process with a listener may get a hint; the database decides who did the work.
 */
export async function openQueueHints(address: QueueAddress, log: Log): Promise<QueueHints> {
  const backend = await openBackend(address, log)
  const queues = new Map<HintTopic, Queue>()
  const workers: Worker[] = []
  /** Hints on their way to the queue, and whether the same was given meanwhile: then it goes once more. */
  const sending = new Map<string, { again: boolean }>()
  const ending = new AbortController()
  let failing = false

  const queueOf = (topic: HintTopic) => {
    const known = queues.get(topic)
    if (known) return known
    const queue = backend.queue(`hint-${topic}`)
    queue.on('error', () => undefined)
    queues.set(topic, queue)
    return queue
  }
  const settled = (error?: unknown) => {
    if (Boolean(error) === failing) return
    failing = Boolean(error)
    // Said once at each change, not once a hint: while the queue is away every hint fails.
    if (failing) log.warn({ err: error }, 'the queue is away: sweeps drive everything')
    else log.info({}, 'the queue is back')
  }

  async function send(topic: HintTopic, key: string): Promise<void> {
    const name = `${topic}:${key}`
    const known = sending.get(name)
    if (known) known.again = true
    if (known || sending.size >= SENDING_LIMIT) return
    const own = { again: true }
    sending.set(name, own)
    const deduplication = { id: key || NO_KEY, keepLastIfActive: true }
    while (own.again && !ending.signal.aborted) {
      own.again = false
      try {
        await queueOf(topic).add('look', { key }, { deduplication, removeOnComplete: true, removeOnFail: true })
        settled()
      } catch (error) {
        settled(error)
      }
      const pauseMs = key === '' ? KEYLESS_PAUSE_MS[topic] : 0
      if (pauseMs > 0) await sleep(pauseMs, undefined, { signal: ending.signal }).catch(() => undefined)
    }
    sending.delete(name)
  }

  return {
    hint: (topic, key) => void send(topic, key),
    listen(topic, listener) {
      const worker = backend.worker(`hint-${topic}`, async (job) => listener(String(job.data.key)))
      worker.on('error', () => undefined)
      worker.on('failed', (_job, err) => log.error({ topic, err }, 'work after a hint failed'))
      workers.push(worker)
    },
    isUp: () => !failing,
    async close() {
      ending.abort()
      const closing = Promise.allSettled([
        ...workers.map((worker) => worker.close()),
        ...[...queues.values()].map((queue) => queue.close()),
      ])
      await Promise.race([closing, new Promise((done) => setTimeout(done, CLOSE_LIMIT_MS).unref())])
      backend.close()
    },
  }
}

type Backend = {
  queue(name: string): Queue
  worker(name: string, work: (job: Job) => Promise<void>): Worker
  close(): void
}

/**
 * A process that was frozen in the middle of a queue's transaction finds its connection ended by the server. BullMQ does
 * not listen for that while it has the connection in use, and an error that nobody listens to ends the process. The
 * query that comes next tells it all the same.
 */
class SteadyClient extends pg.Client {
  constructor(config?: string | pg.ClientConfig) {
    super(config)
    this.on('error', () => undefined)
  }
}

async function openBackend(address: QueueAddress, log: Log): Promise<Backend> {
  const workerOptions = { concurrency: CONCURRENCY, removeOnComplete: { count: 0 }, removeOnFail: { count: 0 } }
  if (address.kind === 'postgres') {
    const { createPostgresBackend } = await import('bullmq')
    const classes = withBackend(createPostgresBackend)
    const connection = {
      connectionString: address.url,
      migrate: true,
      max: CONNECTIONS_PER_QUEUE,
      application_name: 'anlin-hints',
      Client: SteadyClient,
      idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_MS,
      statement_timeout: STATEMENT_MS,
    }
    return {
      queue: (name) => new classes.Queue(name, { connection } as never) as unknown as Queue,
      worker: (name, work) =>
        new classes.Worker(name, work, { connection, ...workerOptions } as never) as unknown as Worker,
      close: () => undefined,
    }
  }
  // The offline queue stays off: a hint that waited for Redis would come after the sweep has long done the work.
  const sender = new Redis(address.url, { enableOfflineQueue: false, maxRetriesPerRequest: 1, retryStrategy })
  const receiver = new Redis(address.url, { maxRetriesPerRequest: null, retryStrategy })
  for (const client of [sender, receiver]) client.on('error', (err) => log.debug({ err }, 'redis connection'))
  return {
    queue: (name) => new Queue(name, { connection: sender as QueueOptions['connection'] }),
    worker: (name, work) =>
      new Worker(name, work, { connection: receiver as WorkerOptions['connection'], ...workerOptions }),
    close() {
      sender.disconnect()
      receiver.disconnect()
    },
  }
}

const RECONNECT_CEILING_MS = 1_000
function retryStrategy(attempt: number): number {
  return Math.min(attempt * 100, RECONNECT_CEILING_MS)
}
