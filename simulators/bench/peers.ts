import { fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { freePort } from '../trials/platform-process.ts'
import type { Address } from './load-orders.ts'

const START_WITHIN_MS = 10_000

export type Peer = Address & { end(): Promise<void> }

export async function startBareAedes(): Promise<Peer> {
  const child = fork(join(import.meta.dirname, 'bare-aedes.ts'), { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  const exited = once(child, 'exit')
  const [port] = (await once(child, 'message', { signal: AbortSignal.timeout(START_WITHIN_MS) })) as [number]
  return {
    host: '127.0.0.1',
    port,
    async end() {
      child.disconnect()
      await exited
    },
  }
}

/** Null where Mosquitto is not installed. Nothing is stored, and a window of 20 is never the limit. */
export async function startMosquitto(): Promise<Peer | null> {
  const folder = mkdtempSync(join(tmpdir(), 'anlin-mosquitto-'))
  const port = await freePort()
  const config = join(folder, 'mosquitto.conf')
  writeFileSync(
    config,
    [
      `listener ${port} 127.0.0.1`,
      'allow_anonymous true',
      'persistence false',
      'set_tcp_nodelay true',
      'log_dest none',
      '',
    ].join('\n'),
  )
  const path = `${process.env.PATH ?? ''}:/usr/sbin:/usr/local/sbin`
  const child = spawn('mosquitto', ['-c', config], { stdio: 'ignore', env: { PATH: path } })
  const exited = new Promise<'exited'>((resolve) => {
    child.once('exit', () => resolve('exited'))
    child.once('error', () => resolve('exited'))
  })
  const endAtOnce = () => {
    child.kill('SIGTERM')
    rmSync(folder, { recursive: true, force: true })
  }
  // An interrupted run does not come to `end`.
  process.once('exit', endAtOnce)
  const taken = await Promise.race([exited, untilTaken(port)])
  const end = async () => {
    process.off('exit', endAtOnce)
    endAtOnce()
    await exited
  }
  if (taken === 'taken') return { host: '127.0.0.1', port, end }
  await end()
  return null
}

async function untilTaken(port: number): Promise<'taken'> {
  for (const deadline = performance.now() + START_WITHIN_MS; performance.now() < deadline; await wait(25)) {
    const open = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1')
      socket.once('connect', () => {
        socket.destroy()
        resolve(true)
      })
      socket.once('error', () => resolve(false))
    })
    if (open) return 'taken'
  }
  throw new Error('mosquitto does not answer')
}
