import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { beforeEach, expect, onTestFinished, test, vi } from 'vitest'
import { temporaryFolder } from './testing/temporary-folder.ts'
import { startWatchdog } from './watchdog.ts'

/** WatchdogSec in services/service.ts: told twice within it, one late word ends nothing. */
const SYSTEMD_WAITS_MS = 30_000
const SWEEP_LIMIT_MS = 20_000

/** systemd's end of the socket. Node has none of this kind, and Perl is on every Debian. */
const LISTENER = `use Socket; $| = 1;
  socket(LISTENER, PF_UNIX, SOCK_DGRAM, 0) && bind(LISTENER, sockaddr_un($ARGV[0])) or die "$!";
  print "listening\\n";
  while (defined recv(LISTENER, $said, 4096, 0)) { print "$said\\n" }`

let said: string[]
let logged: string[]
/** The clock is the test's: `work` is what the program wants done again and again. */
let ticking: { work(): void; everyMs: number } | null
beforeEach(() => {
  said = []
  logged = []
  ticking = null
  const { setInterval: start, clearInterval: end } = globalThis
  vi.spyOn(globalThis, 'setInterval').mockImplementation(((work: () => void, everyMs: number) => {
    ticking = { work, everyMs }
    return start(() => undefined, 2 ** 31 - 1)
  }) as typeof setInterval)
  vi.spyOn(globalThis, 'clearInterval').mockImplementation((timer) => {
    ticking = null
    end(timer)
  })
})

const note = (_fields: object, text: string) => void logged.push(text)
const log = { info() {}, debug() {}, warn: note, error: note }

async function listen(): Promise<string> {
  const path = join(temporaryFolder('notify'), 'socket')
  const listener: ChildProcess = spawn('perl', ['-e', LISTENER, path], { stdio: ['ignore', 'pipe', 'inherit'] })
  onTestFinished(() => void listener.kill())
  const lines = createInterface({ input: listener.stdout ?? expect.unreachable() })
  await once(lines, 'line')
  lines.on('line', (line) => said.push(line))
  return path
}

/** What systemd has been told of us by now: whatever was on its way before this was asked has come. */
async function told(notifySocket: string): Promise<string[]> {
  const mark = `STATUS=${said.length}`
  await promisify(execFile)('systemd-notify', [mark], { env: { ...process.env, NOTIFY_SOCKET: notifySocket } })
  await expect.poll(() => said).toContain(mark)
  return said.filter((line) => /^(READY|WATCHDOG)=/.test(line))
}

test('systemd hears that we are up, and that we live for as long as we sweep', async () => {
  // Elsewhere there is no systemd to hear it.
  if (process.platform !== 'linux') return
  let sweepAgeMs = 0
  const notifySocket = await listen()
  const watchdog = startWatchdog({ ageMs: () => sweepAgeMs, close: async () => undefined }, { notifySocket, log })
  await expect.poll(() => said).toContain('READY=1')
  expect(ticking?.everyMs).toBeLessThanOrEqual(SYSTEMD_WAITS_MS / 2)
  ticking?.work()
  await expect.poll(() => said).toContain('WATCHDOG=1')
  expect(await told(notifySocket)).toEqual(['READY=1', 'WATCHDOG=1'])

  sweepAgeMs = SWEEP_LIMIT_MS
  ticking?.work()
  ticking?.work()
  expect(await told(notifySocket)).toEqual(['READY=1', 'WATCHDOG=1'])
  expect(logged).toEqual(Array(2).fill('sweeps hang: systemd is no longer told that we live'))

  sweepAgeMs = SWEEP_LIMIT_MS - 1
  ticking?.work()
  await expect.poll(() => said.filter((line) => line === 'WATCHDOG=1')).toHaveLength(2)
  watchdog.close()
  expect(ticking).toBeNull()
})

test('who is not run by systemd tells nobody', () => {
  const watchdog = startWatchdog({ ageMs: () => 0, close: async () => undefined }, { notifySocket: null, log })
  expect(ticking).toBeNull()
  watchdog.close()
})

test('a systemd that cannot be told is no reason to end', async () => {
  const notifySocket = join(temporaryFolder('notify'), 'nobody-listens')
  const watchdog = startWatchdog({ ageMs: () => 0, close: async () => undefined }, { notifySocket, log })
  await expect.poll(() => logged).toEqual(['systemd could not be told that we live'])
  watchdog.close()
})
