import { randomUUID } from 'node:crypto'
import type { Demo, DemoHome, DeviceAccount } from '../homes/demo-file.ts'
import { connectDevice, type DeviceConnection, type Incident } from '../homes/device-connection.ts'
import { seededRandom, seedFor } from '../homes/seeded.ts'

const CONNECT_WITHIN_MS = 10_000
/** Bad user name or password, not authorized [MQTT-3.2.2.3]: trying again would change nothing. */
const CONNACK_REFUSALS: ReadonlySet<unknown> = new Set([4, 5])

export type Lamp = { deviceId: string; afterMs: number; incident: Incident }

export type StageOptions = {
  demo: Demo
  home: DemoHome
  /** The kinds that play; the home's SOS button is there too, for its lamp shows what comes of it. */
  kinds: ReadonlySet<string>
  seed: number
  lastWill: boolean
  onLamp: (lamp: Lamp) => void
}

/** The home's devices as a scenario holds them: one connection for each kind that plays. */
export type Stage = {
  actor(kind: string): Promise<{ device: DeviceAccount; connection: DeviceConnection }>
  cut(kind: string): string
  close(): Promise<void>
}

export class ScenarioError extends Error {
  readonly code: 'no-home' | 'no-connection' | 'not-acknowledged' | 'no-lamp'
  constructor(code: ScenarioError['code'], message: string) {
    super(message)
    this.code = code
  }
}

export async function within<T>(promise: Promise<T>, limitMs: number, late: () => Error): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const limit = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(late()), limitMs)
  })
  try {
    return await Promise.race([promise, limit])
  } finally {
    clearTimeout(timer)
  }
}

/** The home asked for, or the first that has a device of every kind. */
export function chooseHome(demo: Demo, kinds: ReadonlySet<string>, homeId: string | undefined): DemoHome {
  const able = demo.homes.filter((home) =>
    [...kinds].every((kind) => home.devices.some((device) => device.kind === kind)),
  )
  const home = homeId === undefined ? able[0] : able.find((one) => one.id === homeId)
  if (home) return home
  const others = able.length === 0 ? 'no home has them' : `these have: ${able.map((one) => one.id).join(' ')}`
  throw new ScenarioError('no-home', `no home ${homeId ?? ''} with ${[...kinds].join(', ')}; ${others}`)
}

export async function openStage(options: StageOptions): Promise<Stage> {
  const { demo, home, seed } = options
  const run = randomUUID().slice(0, 8)
  const actors = new Map<string, { device: DeviceAccount; connection: DeviceConnection }>()
  let opened = 0

  const noConnection = (device: DeviceAccount, why: string) =>
    new ScenarioError('no-connection', `connect ${device.username} to ${demo.mqtt}: ${why}`)

  async function open(device: DeviceAccount): Promise<{ device: DeviceAccount; connection: DeviceConnection }> {
    opened += 1
    let trouble = ''
    const refused = Promise.withResolvers<never>()
    const connection = connectDevice({
      url: demo.mqtt,
      homeId: home.id,
      device,
      clientId: `scenario-${run}-${opened}`,
      run: `${run}-${opened}`,
      random: seededRandom(seedFor(seed, device.id)),
      lastWill: options.lastWill,
      onTrouble(error) {
        trouble = error.message
        const isRefusal = 'code' in error && CONNACK_REFUSALS.has(error.code)
        if (isRefusal) refused.reject(noConnection(device, trouble))
      },
      onIncident: (incident) => options.onLamp({ deviceId: device.id, afterMs: performance.now(), incident }),
    })
    const actor = { device, connection }
    actors.set(device.kind, actor)
    const ready = Promise.race([connection.subscribed, refused.promise])
    await within(ready, CONNECT_WITHIN_MS, () => noConnection(device, trouble || 'no answer'))
    return actor
  }

  const accountOf = (kind: string) => home.devices.find((device) => device.kind === kind)
  const present = [...new Set([...options.kinds, 'sos-button'])].map(accountOf).filter((device) => device !== undefined)
  const close = async () => {
    await Promise.allSettled([...actors.values()].map(({ connection }) => connection.close()))
  }
  try {
    await Promise.all(present.map(open))
  } catch (error) {
    for (const { connection } of actors.values()) connection.cut()
    throw error
  }
  return {
    async actor(kind) {
      const actor = actors.get(kind)
      if (actor) return actor
      const device = accountOf(kind)
      if (!device) throw new ScenarioError('no-home', `home ${home.id} has no ${kind}`)
      return open(device)
    },
    cut(kind) {
      const actor = actors.get(kind)
      actor?.connection.cut()
      actors.delete(kind)
      return actor?.device.id ?? ''
    },
    close,
  }
}
