import { coarseLogHintKey } from '../../core/log-hint.ts'
import type { HintListener, Hints, HintTopic, Log } from '../../ports.ts'
import type { QueueAddress } from './bullmq-hints.ts'
import { createLocalHints } from './local-hints.ts'

export type HintBus = Hints & {
  /** Called before the first hint; one listener per topic and process. */
  listen(topic: HintTopic, listener: HintListener): void
  /** Whether the last hint reached the queue; null where hints need none. */
  queueIsUp: (() => boolean) | null
  close(): Promise<void>
}

/**
 * A hint stays in the process where somebody listens to it and goes over the queue where nobody does, so that the
 * way from a press to a person crosses no network that it does not need.
 * @param address null where every role runs in this one process
 */
export async function openHints(address: QueueAddress | null, log: Log): Promise<HintBus> {
  const local = createLocalHints(log)
  const queue = address ? await openQueue(address, log) : null
  return {
    hint(topic, key) {
      if (local.hears(topic)) local.hint(topic, key)
      else queue?.hint(topic, topic === 'log' ? coarseLogHintKey(key) : key)
    },
    listen(topic, listener) {
      local.listen(topic, listener)
      // Hints of other processes join the same line, so one key is never worked on twice at once here.
      queue?.listen(topic, async (key) => local.hint(topic, key))
    },
    queueIsUp: queue ? queue.isUp : null,
    close: async () => queue?.close(),
  }
}

/** Whoever needs no queue need not load it either: a quarter of a second, and 15 MB. */
async function openQueue(address: QueueAddress, log: Log) {
  const { openQueueHints } = await import('./bullmq-hints.ts')
  return openQueueHints(address, log)
}
