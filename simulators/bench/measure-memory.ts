import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { preparePlatform } from '../trials/platform-process.ts'
import { count, type Figure, megabytes } from './figures.ts'
import { type Ground, untilDemo } from './ground.ts'
import type { Load } from './load.ts'
import { pssOfTree, rssOf } from './memory.ts'
import type { Plan } from './plan.ts'

/** `npm start` as anybody has it: its own database, phones and homes. */
export async function measureDemoMemory(plan: Plan): Promise<Figure> {
  const platform = await preparePlatform({ TWILIO_ACCOUNT_SID: '', SMS_GATEWAY_PORT: '0' })
  try {
    const all = await platform.start(['all'])
    await untilDemo(join(platform.folder, 'demo.json'))
    await wait(plan.demoSettleSeconds * 1000)
    const pss = pssOfTree(all.pid)
    const total = [...pss.values()].reduce((sum, bytes) => sum + bytes, 0)
    const parts = [...pss].map(([name, bytes]) => `${name} ${megabytes(bytes)}`).join(', ')
    return {
      id: 'demo-memory',
      what: 'Memory of the whole demo',
      measured: { bytes: total, ...Object.fromEntries(pss) },
      shown: megabytes(total),
      how: `PSS of all processes after ${plan.demoSettleSeconds} s: ${parts}`,
    }
  } finally {
    await platform.destroy()
  }
}

/** `ingest` alone, before and after thousands of devices have signed in. */
export async function measureIdleConnections(ground: Ground, load: Load, plan: Plan): Promise<Figure> {
  const ingest = await ground.startRoles(['ingest'])
  await wait(plan.idleSettleSeconds * 1000)
  const before = rssOf(ingest.pid)
  const speakers = ground.homes.flatMap((home) =>
    home.devices.map(({ username, password }) => ({ username, password, topic: '' })),
  )
  const connections = await load.idle({ ...ground.address, speakers, connections: plan.idleConnections })
  await wait(plan.idleSettleSeconds * 1000)
  const bytes = rssOf(ingest.pid) - before
  load.stop()
  await ingest.end()
  const each = bytes / connections
  return {
    id: 'idle-connections',
    what: `An idle connection, of ${count(connections)}`,
    measured: { connections, bytes, bytesEach: each },
    shown: `${(each / 1e3).toFixed(1)} KB`,
    how: `growth of ingest's resident memory from its start to ${count(connections)} connections standing for ${plan.idleSettleSeconds} s, divided by them`,
  }
}
