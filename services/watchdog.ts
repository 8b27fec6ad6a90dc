import { execFile } from 'node:child_process'
import type { Log } from './ports.ts'
import type { Sweeper } from './sweep.ts'

/** Told three times within systemd's own limit (WatchdogSec in services/service.ts), so that one late call is no restart. */
const TELL_EVERY_MS = 10_000
/** Sweeps begin twice a second; one that hangs this long means that nobody drives what lost its hint. */
const SWEEP_LIMIT_MS = 20_000

export type Watchdog = { close(): void }

/**
 * Tells systemd that we are up, and then that we still sweep: a process that hangs is ended and started again.
 * By systemd's own program, for Node has no datagram sockets of the Unix kind; without NOTIFY_SOCKET nothing is told.
 */
export function startWatchdog(sweeper: Sweeper, options: { notifySocket: string | null; log: Log }): Watchdog {
  const { notifySocket, log } = options
  if (notifySocket === null) return { close() {} }
  const tell = (state: string) =>
    execFile('systemd-notify', [state], { env: { NOTIFY_SOCKET: notifySocket, PATH: '/usr/bin:/bin' } }, (err) => {
      if (err) log.warn({ err }, 'systemd could not be told that we live')
    })
  tell('--ready')
  const timer = setInterval(() => {
    if (sweeper.ageMs() < SWEEP_LIMIT_MS) tell('WATCHDOG=1')
    else log.error({ sweepAgeMs: Math.round(sweeper.ageMs()) }, 'sweeps hang: systemd is no longer told that we live')
  }, TELL_EVERY_MS)
  timer.unref()
  return { close: () => clearInterval(timer) }
}
