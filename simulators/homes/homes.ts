import { randomUUID } from 'node:crypto'
import type { Demo, DemoHome, DeviceAccount } from './demo-file.ts'
import { connectDevice, type DeviceConnection, type Incident, type Said } from './device-connection.ts'
import { PLUGS_SEEN_WITHIN_MS, type Plug, readPlugs } from './plugs.ts'
import { bedOccupied } from './resident.ts'
import { ordinaryBeat } from './rhythm.ts'
import { between, jittered, type Random, seededRandom, seedFor } from './seeded.ts'

/** Each device takes a connection of its own; more homes than this belong into `npm run sim -- town`. */
const MAX_DEVICES = 500
/** Everybody is back on the air within this time, not all in one instant. */
const FIRST_BEAT_WITHIN_MS = 5000

export type Lamp = { homeId: string; deviceId: string; incident: Incident }

export type HomesOptions = {
  demo: Demo
  seed: number
  /** Where `demo.json` lies: scenarios say beside it which devices to leave alone. */
  demoPath?: string
  onLamp?: (lamp: Lamp) => void
  log?: (line: string) => void
}

export type Homes = {
  press(homeId: string, deviceId: string): Promise<Said>
  close(): Promise<void>
}

class NoSuchDevice extends Error {
  readonly code = 'no-such-device'
}

type SimulatedDevice = {
  readonly key: string
  press(): Promise<Said>
  setPlug(plug: Plug | null): void
  close(): Promise<void>
}

/** The lamp's state as a person would see it. */
export function lampText({ status, takenBy, etaMin, kind }: Incident): string {
  switch (status) {
    case 'open':
      return `${kind}: received 已收到`
    case 'acknowledged':
      return `${kind}: ${takenBy ?? 'somebody'} is coming 有人来了${etaMin === null ? '' : `, ${etaMin} min`}`
    case 'resolved':
      return `${kind}: over 已结束`
  }
}

/** What could not be said before the end is lost with the device, as in a real one; hence no complaint here. */
function ignoreUnsaid(saying: Promise<unknown> | null): void {
  saying?.catch(() => undefined)
}

function simulateDevice(home: DemoHome, device: DeviceAccount, run: string, options: HomesOptions): SimulatedDevice {
  const { seed, demo, onLamp, log } = options
  const random: Random = seededRandom(seedFor(seed, home.id, device.id))
  const batteryPercent = Math.round(between(random, 55, 98))
  const key = `${home.id}/${device.id}`
  let plug: Plug | null = null
  let beatTimer: NodeJS.Timeout | undefined
  let wasInTrouble = false
  let timesPluggedIn = 0
  let connection = open()

  function open(): DeviceConnection {
    timesPluggedIn += 1
    return connectDevice({
      url: demo.mqtt,
      homeId: home.id,
      device,
      clientId: `${home.id}-${device.id}`,
      // A connection counts its messages from one, so each has a run of its own.
      run: `${run}-${timesPluggedIn}`,
      random,
      onConnect() {
        if (wasInTrouble) log?.(`${key}: connected again`)
        wasInTrouble = false
        sayOnline()
      },
      onIncident(incident) {
        log?.(`${key}: lamp ${lampText(incident)}`)
        onLamp?.({ homeId: home.id, deviceId: device.id, incident })
      },
      onTrouble(error) {
        if (!wasInTrouble) log?.(`${key}: ${error.message}; trying again`)
        wasInTrouble = true
      },
    })
  }

  function sayOnline(): void {
    const battery = device.kind === 'gateway' ? {} : { batteryPercent }
    ignoreUnsaid(connection.status({ state: 'online', ...battery, rssiDbm: Math.round(between(random, -72, -55)) }))
  }

  function beat(): void {
    const occupied = bedOccupied(seed, home.id, Date.now())
    const { nextMs, status, telemetry, event } = ordinaryBeat(device.kind, { occupied, batteryPercent, random })
    if (plug === null && connection.connected) {
      if (status) ignoreUnsaid(connection.status(status))
      if (telemetry) ignoreUnsaid(connection.telemetry(telemetry))
      if (event) ignoreUnsaid(connection.event(event))
    }
    beatTimer = setTimeout(beat, jittered(random, nextMs, 0.1))
  }
  beatTimer = setTimeout(beat, between(random, 0, FIRST_BEAT_WITHIN_MS))

  return {
    key,
    press: () => connection.event({ kind: 'sos', state: 'pressed' }),
    setPlug(next) {
      if (next === plug) return
      log?.(`${key}: ${next ?? 'plugged in'}`)
      if (next === 'unplugged') connection.cut()
      else if (plug === 'unplugged') connection = open()
      plug = next
    },
    async close() {
      clearTimeout(beatTimer)
      await connection.close()
    },
  }
}

/** Watches which devices a scenario holds at the moment. */
function watchPlugs(demoPath: string, devices: Map<string, SimulatedDevice>): NodeJS.Timeout {
  return setInterval(() => {
    const held = new Map(readPlugs(demoPath, Date.now()).map((one) => [`${one.homeId}/${one.deviceId}`, one.plug]))
    for (const device of devices.values()) device.setPlug(held.get(device.key) ?? null)
  }, PLUGS_SEEN_WITHIN_MS / 2)
}

export function startHomes(options: HomesOptions): Homes {
  const run = randomUUID().slice(0, 8)
  const accounts = options.demo.homes.flatMap((home) => home.devices.map((device) => ({ home, device })))
  if (accounts.length > MAX_DEVICES) throw new RangeError(`at most ${MAX_DEVICES} devices, not ${accounts.length}`)
  const devices = new Map<string, SimulatedDevice>()
  for (const { home, device } of accounts) {
    devices.set(`${home.id}/${device.id}`, simulateDevice(home, device, run, options))
  }
  const plugTimer = options.demoPath === undefined ? undefined : watchPlugs(options.demoPath, devices)
  return {
    async press(homeId, deviceId) {
      const device = devices.get(`${homeId}/${deviceId}`)
      if (!device) throw new NoSuchDevice(`${homeId}/${deviceId}`)
      return device.press()
    },
    async close() {
      clearInterval(plugTimer)
      await Promise.allSettled([...devices.values()].map((device) => device.close()))
    },
  }
}
