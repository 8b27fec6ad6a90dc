import type { HintListener, Hints, HintTopic, Log } from '../../ports.ts'

export type LocalHints = Hints & {
  /** Whether this process has somebody who listens to the topic. */
  hears(topic: HintTopic): boolean
  listen(topic: HintTopic, listener: HintListener): void
}

/**
 * Hints inside one process: no queue, no network, no wait. A key that is being worked on and hinted again is worked on
 * once more; further hints for it fall together, so the number waiting is bounded by the number of shards and homes.
 */
export function createLocalHints(log: Log): LocalHints {
  const listeners = new Map<HintTopic, HintListener>()
  const running = new Map<string, { again: boolean }>()

  async function work(topic: HintTopic, key: string, listener: HintListener): Promise<void> {
    const name = `${topic}:${key}`
    const state = running.get(name)
    if (state) {
      state.again = true
      return
    }
    const own = { again: true }
    running.set(name, own)
    try {
      while (own.again) {
        own.again = false
        await listener(key)
      }
    } catch (error) {
      // The sweep finds what this left undone.
      log.error({ topic, key, err: error }, 'work after a hint failed')
    } finally {
      running.delete(name)
    }
  }

  return {
    hint(topic, key) {
      const listener = listeners.get(topic)
      if (listener) void work(topic, key, listener)
    },
    hears: (topic) => listeners.has(topic),
    listen(topic, listener) {
      if (listeners.has(topic)) throw new Error(`two listeners for ${topic} hints in one process`)
      listeners.set(topic, listener)
    },
  }
}
