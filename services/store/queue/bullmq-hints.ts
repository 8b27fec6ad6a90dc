import { type Job, Queue, type QueueOptions, Worker, type WorkerOptions, withBackend } from 'bullmq'
import { Redis } from 'ioredis'
import pg from 'pg'
import type { HintListener, Hints, HintTopic, Log } from '../../ports.ts'

/** Hints under way to the queue at once; further ones are dropped and the sweep finds the work within a second. */
const SENDING_LIMIT = 200
/** Keys worked on at once per topic in one process. */
const CONCURRENCY = 8
const CLOSE_LIMIT_MS = 3_000
/** On PostgreSQL each queue has connections of its own, and every process has a few queues: the server's are counted. */
const CONNECTIONS_PER_QUEUE = 2
/** As for our own connections: a frozen process must not hide newer rows from the log's readers. */
const IDLE_IN_TRANSACTION_MS = 2_000
const STATEMENT_MS = 9_000

/** BullMQ refuses an empty deduplication id, and hints about the outbox have no key. */
const NO_KEY = 'all'

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
  let sending = 0
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
    sending--
    if (Boolean(error) === failing) return
    failing = Boolean(error)
    // Said once at each change, not once a hint: while the queue is away every hint fails.
    if (failing) log.warn({ err: error }, 'the queue is away: sweeps drive everything')
    else log.info({}, 'the queue is back')
  }

  return {
    hint(topic, key) {
      if (sending >= SENDING_LIMIT) return
      sending++
      const deduplication = { id: key || NO_KEY, keepLastIfActive: true }
      queueOf(topic)
        .add('look', { key }, { deduplication, removeOnComplete: true, removeOnFail: true })
        .then(() => settled(), settled)
    },
    listen(topic, listener) {
      const worker = backend.worker(`hint-${topic}`, async (job) => listener(String(job.data.key)))
      worker.on('error', () => undefined)
      worker.on('failed', (_job, err) => log.error({ topic, err }, 'work after a hint failed'))
      workers.push(worker)
    },
    isUp: () => !failing,
    async close() {
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
