import { setTimeout as wait } from 'node:timers/promises'
import type { Demo, DemoHome } from '../homes/demo-file.ts'
import { type HeldDevice, holdDevices, PLUGS_SEEN_WITHIN_MS } from '../homes/plugs.ts'
import { hangUpOwnDevice } from './own-device.ts'
import type { Scenario } from './scenario.ts'
import { chooseHome, type Lamp, openStage, ScenarioError, type Stage, within } from './stage.ts'
import { type TimedStep, timetable } from './timetable.ts'

const ACKNOWLEDGED_WITHIN_MS = 30_000
/** The promise is two seconds; waiting longer shows by how much it was missed. */
const LAMP_WITHIN_MS = 10_000
/** How long a hold outlives its scenario if the player is killed. */
const HOLD_SLACK_MS = 60_000
const LAMP_LOOK_EVERY_MS = 20

export type Progress =
  | { type: 'started'; homeId: string; steps: number; lastsMs: number }
  | { type: 'said'; timed: TimedStep; deviceId: string; acknowledgedAfterMs: number }
  | { type: 'cut'; deviceId: string }
  | { type: 'lamp'; lamp: Lamp }

export type PlayOptions = {
  scenario: Scenario
  demo: Demo
  /** Where `demo.json` lies, so that the simulated homes leave the devices played here alone. */
  demoPath?: string
  homeId?: string
  seed: number
  speed?: number
  /** Goes on listening to the lamp until the incident is resolved. */
  wait?: boolean
  onProgress?: (progress: Progress) => void
  signal?: AbortSignal
}

/** A lamp's `afterMs` counts from the first event that was sent, or from the start where there is none. */
export type Played = { homeId: string; said: number; lamps: Lamp[] }

function hold(options: PlayOptions, home: DemoHome, kinds: ReadonlySet<string>, untilMs: number): (() => void) | null {
  const { holds } = options.scenario
  if (holds === 'none' || options.demoPath === undefined) return null
  const held = home.devices
    .filter((device) => holds === 'all' || kinds.has(device.kind))
    .map((device): HeldDevice => {
      return { homeId: home.id, deviceId: device.id, plug: holds === 'all' ? 'unplugged' : 'silent', untilMs }
    })
  return holdDevices(options.demoPath, held)
}

async function say(stage: Stage, timed: TimedStep, onProgress: PlayOptions['onProgress']): Promise<void> {
  const { step, saysAtMs } = timed
  if (step.does === 'cut') {
    onProgress?.({ type: 'cut', deviceId: stage.cut(step.kind) })
    return
  }
  const { device, connection } = await stage.actor(step.kind)
  const sentAt = performance.now()
  const saying =
    step.does === 'status'
      ? connection.status(step.body)
      : step.does === 'event'
        ? connection.event(step.body, saysAtMs)
        : connection.telemetry(step.body, saysAtMs)
  const late = () => new ScenarioError('not-acknowledged', `${device.id}: no acknowledgement for ${step.does}`)
  if (saying === null) throw late()
  await within<unknown>(saying, ACKNOWLEDGED_WITHIN_MS, late)
  onProgress?.({ type: 'said', timed, deviceId: device.id, acknowledgedAfterMs: performance.now() - sentAt })
}

async function listenOn(options: PlayOptions, lamps: Lamp[]): Promise<void> {
  const { scenario, signal } = options
  const limit = performance.now() + LAMP_WITHIN_MS
  while (scenario.lampMustAnswer && lamps.length === 0) {
    if (performance.now() > limit) {
      throw new ScenarioError('no-lamp', `no incident was heard on the lamp topic within ${LAMP_WITHIN_MS / 1000} s`)
    }
    await wait(LAMP_LOOK_EVERY_MS, undefined, { signal })
  }
  while (options.wait && lamps.at(-1)?.incident.status !== 'resolved') {
    await wait(LAMP_LOOK_EVERY_MS, undefined, { signal })
  }
}

/** Plays a scenario: every message in its order, each one acknowledged before the next is sent. */
export async function playScenario(options: PlayOptions): Promise<Played> {
  const { scenario, demo, seed } = options
  const speed = scenario.canHurry ? (options.speed ?? scenario.defaultSpeed) : 1
  const kinds = new Set(scenario.build(seed, 0).map((step) => step.kind))
  const { home, takeDown } = await hangUpOwnDevice(scenario, demo, chooseHome(demo, kinds, options.homeId), speed)
  try {
    return await playIn(home, kinds, speed, options)
  } finally {
    await takeDown()
  }
}

async function playIn(
  home: DemoHome,
  kinds: ReadonlySet<string>,
  speed: number,
  options: PlayOptions,
): Promise<Played> {
  const { scenario, demo, seed, onProgress, signal } = options
  const lamps: Lamp[] = []
  let startedAt: number | null = null
  const stage = await openStage({
    demo,
    home,
    kinds,
    seed,
    lastWill: scenario.holds === 'all',
    onLamp(heard) {
      // What is heard before the first message is the state of an earlier incident.
      if (startedAt === null) return
      const lamp = { ...heard, afterMs: heard.afterMs - startedAt }
      lamps.push(lamp)
      onProgress?.({ type: 'lamp', lamp })
    },
  })
  const steps = timetable(scenario, seed, speed, Date.now() + (scenario.holds === 'none' ? 0 : PLUGS_SEEN_WITHIN_MS))
  const lastsMs = (steps.at(-1)?.sendAtMs ?? 0) - Date.now()
  const letGo = hold(options, home, kinds, Date.now() + lastsMs + HOLD_SLACK_MS)
  try {
    onProgress?.({ type: 'started', homeId: home.id, steps: steps.length, lastsMs })
    let eventSeen = false
    for (const timed of steps) {
      await wait(Math.max(0, timed.sendAtMs - Date.now()), undefined, { signal })
      if (startedAt === null || (timed.step.does === 'event' && !eventSeen)) startedAt = performance.now()
      eventSeen ||= timed.step.does === 'event'
      await say(stage, timed, onProgress)
    }
    await listenOn(options, lamps)
  } finally {
    letGo?.()
    await stage.close()
  }
  return { homeId: home.id, said: steps.filter(({ step }) => step.does !== 'cut').length, lamps }
}
