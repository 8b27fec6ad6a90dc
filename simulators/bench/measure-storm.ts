import { setTimeout as wait } from 'node:timers/promises'
import { count, type Figure, ms } from './figures.ts'
import type { Ground } from './ground.ts'
import type { LogReading } from './log-reading.ts'
import { pausePress, pressFigure } from './measure-way.ts'
import type { Plan } from './plan.ts'
import { pressInTurn } from './presses.ts'

/** The shortest that a home may have: nobody plays the gateways, so all are lost so long after the start. */
export const LOST_AFTER_SECONDS = 20
/** The presses begin shortly before and go on while the technical incidents are opened. */
const BEFORE_SECONDS = 1
const OPENED_WITHIN_SECONDS = 120
const LOOK_EVERY_MS = 200

type Parts = { ground: Ground; log: LogReading; plan: Plan }

/**
 * The power fails in a whole district: every gateway is lost in the same second, and somebody presses. On a ground that was
 * prepared with `LOST_AFTER_SECONDS` and never started before. @throws when the gateways are not lost
 */
export async function measureStorm({ ground, log, plan }: Parts): Promise<Figure> {
  const all = await ground.startAll()
  const startedAt = performance.now()
  const seconds = () => (performance.now() - startedAt) / 1000
  await wait((LOST_AFTER_SECONDS - BEFORE_SECONDS) * 1000)
  if ((await log.technicalIncidents()) > 0) throw new Error('gateways were lost before the presses began')
  const presses = await pressInTurn(ground, ground.homes.slice(0, plan.stormPresses), pausePress)
  const openedMeanwhile = await log.technicalIncidents()
  while ((await log.technicalIncidents()) < ground.homes.length) {
    if (seconds() > OPENED_WITHIN_SECONDS) throw new Error('not every lost gateway has opened an incident')
    await wait(LOOK_EVERY_MS)
  }
  const openedSeconds = seconds() - LOST_AFTER_SECONDS
  await all.end()
  const gateways = ground.homes.length
  const figure = pressFigure(
    'press-storm',
    `Press → first provider request, while ${count(gateways)} gateways are lost in one second`,
    presses,
    `the longest ${ms(presses.longestMs)}; ${count(openedMeanwhile)} technical incidents were opened meanwhile, all of them after ${openedSeconds.toFixed(0)} s; all roles in one process, nothing else going on`,
  )
  return { ...figure, measured: { ...figure.measured, gateways, openedMeanwhile, openedSeconds } }
}
