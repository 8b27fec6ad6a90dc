import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { demoOf, startBroker, type TestBroker } from './homes/testing/broker.ts'
import { SCENARIOS } from './scenarios/index.ts'

const SIM = join(import.meta.dirname, 'sim.ts')
const HOMES = join(import.meta.dirname, 'homes', 'main.ts')

type Ended = { code: number; out: string; err: string }

function run(program: string, args: string[]): { pid: number | undefined; ended: Promise<Ended>; end(): void } {
  const done = Promise.withResolvers<Ended>()
  const child = execFile(process.execPath, [program, ...args], (error, out, err) => {
    done.resolve({ code: error ? Number(error.code ?? -1) : 0, out, err })
  })
  return { pid: child.pid, ended: done.promise, end: () => child.kill('SIGTERM') }
}

let broker: TestBroker
let folder: string
let demoPath: string
beforeEach(async () => {
  broker = await startBroker()
  folder = mkdtempSync(join(tmpdir(), 'anlin-sim-'))
  demoPath = join(folder, 'demo.json')
  writeFileSync(demoPath, JSON.stringify(demoOf(broker.url, ['home-1', 'home-2'])))
})
afterEach(async () => {
  await broker.close()
  rmSync(folder, { recursive: true, force: true })
})

test('--list explains each scenario in both languages', async () => {
  const { code, out } = await run(SIM, ['--list']).ended
  expect(code).toBe(0)
  for (const { name, explain } of SCENARIOS) {
    for (const text of [name, explain.en, explain.zh]) expect(out).toContain(text)
  }
})

test('sos tells how long the PUBACK and the lamp took', async () => {
  const sim = run(SIM, ['sos', '--home', 'home-2', '--demo', demoPath])
  await expect.poll(() => broker.heard.length, { timeout: 10_000 }).toBe(1)
  const incident = { incidentId: 'i-1', kind: 'sos', status: 'open', takenBy: null, etaMin: null }
  await broker.say('care/v1/home-2/sos-button-1/incident', incident)
  const { code, out, err } = await sim.ended
  expect(err).toBe('')
  expect(code).toBe(0)
  expect(out).toMatch(/PUBACK after [\d.]+ ms/)
  expect(out).toMatch(/lamp of sos-button-1 after [\d.]+ ms: sos: received 已收到/)
})

test.each([
  ['an unknown scenario', ['earthquake'], 'no scenario earthquake'],
  ['a speed that is no number', ['sos', '--speed', 'fast'], '--speed is fast'],
  ['an unknown home', ['sos', '--home', 'home-9'], 'these have: home-1 home-2'],
  ['no demo.json', ['sos', '--demo', '/nowhere/demo.json'], '/nowhere/demo.json'],
  ['an unknown option', ['sos', '--loud'], '--loud'],
])('%s ends with one clear line and a code above 0', async (_case, args, expected) => {
  const demo = args.includes('--demo') ? [] : ['--demo', demoPath]
  const { code, err } = await run(SIM, [...args, ...demo]).ended
  expect(code).toBe(1)
  expect(err).toContain(expected)
  expect(err).not.toContain('    at ')
})

test('the homes as a program of their own end cleanly on SIGTERM', async () => {
  const homes = run(HOMES, ['--demo', demoPath])
  await expect.poll(() => broker.heard.length, { timeout: 10_000 }).toBeGreaterThanOrEqual(12)
  homes.end()
  const { code, err } = await homes.ended
  expect(err).toBe('')
  expect(code).toBe(0)
})
