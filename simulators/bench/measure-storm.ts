import { setTimeout as wait } from 'node:timers/promises'
import { count, type Figure, ms } from './figures.ts'
import type { Ground } from './ground.ts'
import type { LogReading } from './log-reading.ts'
import { pausePress, pressFigure } from './measure-way.ts'
import type { Plan } from './plan.ts'
import { pressInTurn } from './presses.ts'

/** The shortest that a home may have: nobody plays the gateways, so all are lost so long after the start. */
export const LOST_AFTER_SECONDS = 20
const LOST_WITHIN_SECONDS = 60
const OPENED_WITHIN_SECONDS = 120
/** The presses begin with the first gateway that is found lost. */
const LOOK_EVERY_MS = 10

type Parts = { ground: Ground; log: LogReading; plan: Plan }

/**
 * The power fails in a whole district: every gateway is lost in the same second, and somebody presses. On a ground that was
 * prepared with `LOST_AFTER_SECONDS` and never started before. @throws when the gateways are not lost
 */
export async function measureStorm({ ground, log, plan }: Parts): Promise<Figure> {
  const pressing = ground.homes.slice(0, plan.stormPresses)
  // A button that is pressed speaks for its gateway, and its home's alarm takes the gateway's incident with it.
  const silent = ground.homes.slice(plan.stormPresses).map(({ id }) => id)
  const all = await ground.startAll()
  await until(LOST_WITHIN_SECONDS, async () => (await log.lostGateways(silent)).signals > 0)
  const lostAt = performance.now()
  const presses = await pressInTurn(ground, pressing, pausePress)
  const openedMeanwhile = (await log.lostGateways(silent)).incidents
  await until(OPENED_WITHIN_SECONDS, async () => (await log.lostGateways(silent)).incidents === silent.length)
  const openedSeconds = (performance.now() - lostAt) / 1000
  await all.end()
  const gateways = silent.length
  const figure = pressFigure(
    'press-storm',
    `Press → first provider request, while ${count(gateways)} other gateways are lost in one second`,
    presses,
    `the longest ${ms(presses.longestMs)}; ${count(openedMeanwhile)} of their incidents were opened meanwhile, all of them after ${openedSeconds.toFixed(0)} s; all roles in one process, nothing else going on`,
  )
  return { ...figure, measured: { ...figure.measured, gateways, openedMeanwhile, openedSeconds } }
}

async function until(withinSeconds: number, isSo: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + withinSeconds * 1000
  while (!(await isSo())) {
    if (performance.now() > deadline)
      throw new Error(`the gateways were not lost and told of within ${withinSeconds} s`)
    await wait(LOOK_EVERY_MS)
  }
}
