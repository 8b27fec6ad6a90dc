import { execFile } from 'node:child_process'
import type { Log } from './ports.ts'
import type { Sweeper } from './sweep.ts'

/** Told three times within systemd's own limit (WatchdogSec in services/service.ts), so that one late call is no restart. */
const TELL_EVERY_MS = 10_000
/** Sweeps begin twice a second; one that hangs this long means that nobody drives what lost its hint. */
const SWEEP_LIMIT_MS = 20_000
/** A start that makes headway says so long before this is over; one that makes none any more is begun again after it. */
const START_WAITS_MS = 60_000

export type Watchdog = { close(): void }

type Systemd = { notifySocket: string | null; log: Log }

/**
 * What to call while a start makes headway, as often as one likes: systemd then waits on beyond its limit for a start
 * (TimeoutStartSec), which it did not have in a recovery of minutes. A start that hangs says nothing, and is begun again.
 */
export function startGoesOn(systemd: Systemd): () => void {
  let toldAt = Number.NEGATIVE_INFINITY
  return () => {
    if (performance.now() - toldAt < TELL_EVERY_MS) return
    toldAt = performance.now()
    tell(systemd, `EXTEND_TIMEOUT_USEC=${START_WAITS_MS * 1_000}`)
  }
}

/** Tells systemd that we are up, and then that we still sweep: a process that hangs is ended and started again. */
export function startWatchdog(sweeper: Sweeper, systemd: Systemd): Watchdog {
  const { notifySocket, log } = systemd
  if (notifySocket === null) return { close() {} }
  tell(systemd, '--ready')
  const timer = setInterval(() => {
    if (sweeper.ageMs() < SWEEP_LIMIT_MS) tell(systemd, 'WATCHDOG=1')
    else log.error({ sweepAgeMs: Math.round(sweeper.ageMs()) }, 'sweeps hang: systemd is no longer told that we live')
  }, TELL_EVERY_MS)
  timer.unref()
  return { close: () => clearInterval(timer) }
}

/** By systemd's own program, for Node has no datagram sockets of the Unix kind; without NOTIFY_SOCKET nothing is told. */
function tell({ notifySocket, log }: Systemd, state: string): void {
  if (notifySocket === null) return
  execFile('systemd-notify', [state], { env: { NOTIFY_SOCKET: notifySocket, PATH: '/usr/bin:/bin' } }, (err) => {
    if (err) log.warn({ err }, 'systemd could not be told that we live')
  })
}
