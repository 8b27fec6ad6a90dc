import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { ClosedLoopOrder, IdleOrder, LoadAnswer, LoadOrder, TownOrder } from './load-orders.ts'

type AnswerTo<T extends LoadAnswer['type']> = Extract<LoadAnswer, { type: T }>

export type Load = {
  closedLoop(order: Omit<ClosedLoopOrder, 'type'>): Promise<AnswerTo<'closed-loop'>['result']>
  town(order: Omit<TownOrder, 'type'>): Promise<AnswerTo<'town'>['result']>
  /** Opens connections and keeps them open, saying nothing. Resolves to how many stand. */
  idle(order: Omit<IdleOrder, 'type'>): Promise<number>
  /** Ends the town and closes idle connections. */
  stop(): void
  end(): Promise<void>
}

/** Starts the load process. It takes one order at a time. */
export function startLoad(): Load {
  const child = fork(join(import.meta.dirname, 'load-process.ts'), { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  const exited = once(child, 'exit')
  async function ask<T extends LoadAnswer['type']>(order: LoadOrder, expected: T): Promise<AnswerTo<T>> {
    child.send(order)
    const ended = exited.then((): [LoadAnswer] => [{ type: 'failed', message: 'the load process ended' }])
    const [answer] = (await Promise.race([once(child, 'message'), ended])) as [LoadAnswer]
    if (answer.type === 'failed') throw new Error(`load ${order.type}: ${answer.message}`)
    if (answer.type !== expected) throw new Error(`load ${order.type}: answered ${answer.type}`)
    return answer as AnswerTo<T>
  }
  return {
    closedLoop: async (order) => (await ask({ type: 'closed-loop', ...order }, 'closed-loop')).result,
    town: async (order) => (await ask({ type: 'town', ...order }, 'town')).result,
    idle: async (order) => (await ask({ type: 'idle', ...order }, 'idle')).connections,
    stop: () => void child.send({ type: 'stop' } satisfies LoadOrder),
    async end() {
      if (child.connected) child.disconnect()
      await exited
    },
  }
}
