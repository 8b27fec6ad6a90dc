import { Worker } from 'node:worker_threads'
import type { IngestNews, IngestOrder, IngestThreadData, PassedOn } from './ingest-thread-messages.ts'
import type { FreshSink, Hints, Metrics } from './ports.ts'

type Ports = { hints: Hints; metrics: Metrics; fresh: FreshSink | null }

export type IngestThread = {
  /** Opens the entrance. @throws when it does not start, e.g. because its port is taken */
  open(data: Omit<IngestThreadData, 'handsOver'>, ports: Ports): Promise<{ url: string }>
  /** Ends when what it has in hand is stored; at once where it was not opened yet. */
  close(): Promise<void>
}

/**
 * The MQTT entrance in a thread of its own, where other roles share the process. Thousands of sockets make each turn of
 * an event loop long, and a press crosses a dozen turns on its way to a person: beside the entrance it would wait for all
 * of them. A fault that nobody caught there ends the process, as it would here.
 *
 * It loads its programs from now on, most of a second, and opens when it is told to.
 */
export function loadIngestThread(): IngestThread {
  const worker = new Worker(new URL('./ingest-worker.ts', import.meta.url))
  const ready = Promise.withResolvers<string>()
  const closed = Promise.withResolvers<void>()
  let isOpen = false
  let ending = false
  worker.on('error', (error) => {
    throw error
  })
  // A platform without an entrance would go on as if all homes were quiet.
  worker.on('exit', (code) => {
    if (!ending) throw new Error(`the ingest thread ended by itself with code ${code}`)
  })
  const hear = (ports: Ports) => (news: IngestNews) => {
    switch (news.type) {
      case 'ready':
        return ready.resolve(news.url)
      case 'failed':
        return ready.reject(Object.assign(new Error(news.message), { code: news.code, port: news.port }))
      case 'passed-on':
        for (const call of news.calls) passOn(call, ports)
        return
      case 'alarms-coming':
        return ports.fresh?.expect(news.homeIds)
      case 'fresh':
        return news.batch === null ? ports.fresh?.lost() : ports.fresh?.offer(news.batch)
      case 'closed':
        return closed.resolve()
    }
  }
  const order = (what: IngestOrder) => worker.postMessage(what)
  return {
    async open(data, ports) {
      worker.on('message', hear(ports))
      order({ type: 'open', data: { ...data, handsOver: ports.fresh !== null } })
      const url = await ready.promise
      isOpen = true
      return { url }
    },
    async close() {
      if (isOpen && !ending) {
        order({ type: 'close' })
        await closed.promise
      }
      ending = true
      await worker.terminate()
    },
  }
}

function passOn(call: PassedOn, { hints, metrics }: Ports): void {
  if (call.port === 'hint') hints.hint(call.topic, call.key)
  else metrics[call.kind](call.name, call.value, call.labels)
}
