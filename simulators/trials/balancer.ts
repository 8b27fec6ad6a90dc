import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { RoleProcess } from './place.ts'
import { freePort, untilTaken } from './platform-process.ts'

const PRODUCTION = join(import.meta.dirname, '..', '..', 'haproxy.cfg')
const PATH = `${process.env.PATH ?? ''}:/usr/sbin:/usr/local/sbin`

export type Balancer = { mqtt: string; end(): Promise<void> }

/** The APIs that share a port, where the trial has any. */
type Apis = { port: number; processes: RoleProcess[] }

/**
 * Debian's HAProxy in front of these ingests and APIs, with the production file's own blocks; only TLS and its size are left
 * away, and HTTP where there are no APIs.
 */
export async function startBalancer(ingests: RoleProcess[], apis: Apis | null = null): Promise<Balancer> {
  const port = await freePort()
  const folder = mkdtempSync(join(tmpdir(), 'anlin-haproxy-'))
  const file = join(folder, 'haproxy.cfg')
  writeFileSync(file, configFor(readFileSync(PRODUCTION, 'utf8'), { port, processes: ingests }, apis))
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
function configFor(production: string, ingests: { port: number; processes: RoleProcess[] }, apis: Apis | null): string {
  const replace = (text: string, line: RegExp, by: string) => {
    if (!line.test(text)) throw new Error(`haproxy.cfg has no line like ${line}`)
    return text.replace(line, by)
  }
  const servers = ({ processes }: { processes: RoleProcess[] }, portOf: (process: RoleProcess) => number | string) =>
    processes.map((process, number) => `  server s${number} 127.0.0.1:${portOf(process)} port ${httpPortOf(process)}`)
  const ownNames = replace(production, /^resolvers docker\n[\s\S]*/m, '')
  // So many connections need more open files than an ordinary user may have.
  const small = replace(ownNames, /^ {2}maxconn \d+$/m, '  maxconn 100')
  const mqtt = replace(small, /^ {2}bind :8883 ssl .*$/m, `  bind 127.0.0.1:${ingests.port}`)
  const withIngests = replace(
    mqtt,
    /^ {2}server-template ingest .*$/m,
    servers(ingests, ({ mqttPort }) => mqttPort).join('\n'),
  )
  if (apis === null) return replace(withIngests, /^frontend https[\s\S]*/m, '')
  const http = replace(withIngests, /^ {2}bind :8443 ssl .*$/m, `  bind 127.0.0.1:${apis.port}`)
  return replace(http, /^ {2}server-template api .*$/m, servers(apis, httpPortOf).join('\n'))
}

function httpPortOf({ http }: RoleProcess): string {
  return new URL(http).port
}
