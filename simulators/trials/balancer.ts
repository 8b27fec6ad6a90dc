import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { RoleProcess } from './place.ts'
import { freePort, untilTaken } from './platform-process.ts'

const PRODUCTION = join(import.meta.dirname, '..', '..', 'haproxy.cfg')
const PATH = `${process.env.PATH ?? ''}:/usr/sbin:/usr/local/sbin`

export type Balancer = { mqtt: string; end(): Promise<void> }

/** Debian's HAProxy in front of these ingests, with the production file's own block for MQTT; only TLS and its size are left away. */
export async function startBalancer(ingests: RoleProcess[]): Promise<Balancer> {
  const port = await freePort()
  const folder = mkdtempSync(join(tmpdir(), 'anlin-haproxy-'))
  const file = join(folder, 'haproxy.cfg')
  writeFileSync(file, configFor(readFileSync(PRODUCTION, 'utf8'), port, ingests))
  const child = spawn('haproxy', ['-db', '-f', file], { stdio: ['ignore', 'ignore', 'pipe'], env: { PATH } })
  let said = ''
  child.stderr?.on('data', (chunk) => {
    said = (said + chunk).slice(-5_000)
  })
  const exited = new Promise<number | null>((done) => child.once('exit', done))
  await untilTaken({ exited, output: () => said }, port)
  return {
    mqtt: `mqtt://127.0.0.1:${port}`,
    async end() {
      child.kill('SIGTERM')
      await exited
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** @throws when the production file no longer has the lines that are replaced */
function configFor(production: string, port: number, ingests: RoleProcess[]): string {
  const replace = (text: string, line: RegExp, by: string) => {
    if (!line.test(text)) throw new Error(`haproxy.cfg has no line like ${line}`)
    return text.replace(line, by)
  }
  const servers = ingests.map(
    ({ http, mqttPort }, number) => `  server ingest${number} 127.0.0.1:${mqttPort} port ${new URL(http).port}`,
  )
  const mqttAlone = replace(production, /^frontend https[\s\S]*/m, '')
  // So many connections need more open files than an ordinary user may have.
  const small = replace(mqttAlone, /^ {2}maxconn \d+$/m, '  maxconn 100')
  const plain = replace(small, /^ {2}bind :8883 ssl .*$/m, `  bind 127.0.0.1:${port}`)
  return replace(plain, /^ {2}server-template ingest .*$/m, servers.join('\n'))
}
