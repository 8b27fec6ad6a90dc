import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { freePort } from './platform-process.ts'

export type Redis = { url: string; kill(): Promise<void> }

/** A queue as the operator of several processes has one; it keeps nothing. */
export async function startRedis(): Promise<Redis> {
  const port = await freePort()
  const options = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no']
  const child = spawn('redis-server', options, { stdio: ['ignore', 'pipe', 'ignore'] })
  const exited = once(child, 'exit')
  const stdout = child.stdout
  for (let said = ''; !said.includes('Ready to accept connections'); ) said += String((await once(stdout, 'data'))[0])
  stdout.resume()
  return {
    url: `redis://127.0.0.1:${port}`,
    async kill() {
      child.kill('SIGKILL')
      await exited
    },
  }
}
