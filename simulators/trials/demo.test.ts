import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { launchChromium } from '../../dashboards/testing/chromium.ts'
import { mosquittoPub } from './mosquitto.ts'
import type { DemoFile } from './platform-process.ts'

/** The demo as who has just cloned it sees it: `npm start`, the page with the phones, Ctrl-C. */

const ROOT = join(import.meta.dirname, '..', '..')
const HOME = 'home-002'
const STARTS_WITHIN_MS = 120_000
const ENDS_WITHIN_MS = 30_000

const folder = mkdtempSync(join(tmpdir(), 'anlin-demo-trial-'))
let npm: ChildProcess
let said = ''
let browser: Browser

beforeAll(async () => {
  // A group of its own, as a shell gives to what it runs in the foreground.
  npm = spawn('npm', ['start'], {
    cwd: ROOT,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: process.env.PATH ?? '',
      HOME: folder,
      ANLIN_DATA: folder,
      HTTP_PORT: '0',
      MQTT_PORT: '0',
      SMS_GATEWAY_PORT: '0',
      TWILIO_ACCOUNT_SID: '',
    },
  })
  const keep = (chunk: Buffer) => {
    said += chunk
  }
  npm.stdout?.on('data', keep)
  npm.stderr?.on('data', keep)
  const told = vi.waitFor(() => expect(said).toContain('Ctrl-C'), { timeout: STARTS_WITHIN_MS, interval: 20 })
  const ended = once(npm, 'exit').then(() => expect.unreachable(said))
  browser = await launchChromium()
  await Promise.race([told, ended])
})

afterAll(async () => {
  await browser?.close()
  if (npm.exitCode === null && npm.pid) {
    process.kill(-npm.pid, 'SIGINT')
    await once(npm, 'exit')
  }
  rmSync(folder, { recursive: true, force: true })
})

const demo = () => JSON.parse(readFileSync(join(folder, 'demo.json'), 'utf8')) as DemoFile
/** As a person reads it on the terminal. */
const addressOf = (name: string) => new RegExp(`^ +${name} +(\\S+)$`, 'm').exec(said)?.[1] ?? expect.unreachable(said)

test('a press shows on the page of the phones, and who answers 1 there is told that it is theirs now', async () => {
  const home = demo().homes.find(({ id }) => id === HOME) ?? expect.unreachable()
  const button = home.devices.find(({ id }) => id === 'sos-bath') ?? expect.unreachable()
  const keyholder = home.contacts.find(({ role }) => role === 'family-keyholder') ?? expect.unreachable()
  const page = await (await browser.newContext({ locale: 'zh-CN' })).newPage()
  await page.goto(addressOf('phones'))
  await page.getByText('还没有短信').waitFor()

  const pressed = { id: 'demo-1', at: new Date().toISOString(), kind: 'sos', state: 'pressed' }
  await mosquittoPub(addressOf('MQTT'), button, `care/v1/${HOME}/sos-bath/event`, pressed)
  const phone = page.locator('.phone', { has: page.getByRole('heading', { name: keyholder.phone }) })
  await expect
    .poll(() => phone.locator('li').allInnerTexts())
    .toEqual([expect.stringMatching(/卫生间.*求助按钮.*回1 \d\d/)])

  await phone.getByRole('textbox', { name: '以此手机回复' }).fill('1')
  await phone.getByRole('button', { name: '回复' }).click()
  await expect.poll(() => phone.locator('li.inbound').allInnerTexts()).toEqual([expect.stringMatching(/^1\s/)])
  await expect.poll(() => phone.locator('li').last().innerText()).toMatch(/^您已接手：.*求助/)
  expect(await phone.getByRole('textbox').inputValue()).toBe('')
})

/** Of every process that lives, whose child it is; those that ended and were not yet buried are left out. */
function livingProcesses(): Map<number, number> {
  const table = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,stat='], { encoding: 'utf8' }).trim().split('\n')
  const all = table.map((line) => line.trim().split(/\s+/))
  return new Map(all.flatMap(([pid, parent, state]) => (state?.startsWith('Z') ? [] : [[Number(pid), Number(parent)]])))
}

test('Ctrl-C ends it with code 0 and leaves nothing running', async () => {
  const pid = npm.pid ?? expect.unreachable()
  const family = [pid]
  const living = livingProcesses()
  for (const one of family) for (const [child, parent] of living) if (parent === one) family.push(child)
  // Its database among them, which has a group of its own and hears no Ctrl-C.
  expect(family).toContain(Number(readFileSync(join(folder, 'postgres', 'postmaster.pid'), 'utf8').split('\n')[0]))

  process.kill(-pid, 'SIGINT')
  const [code] = await once(npm, 'exit', { signal: AbortSignal.timeout(ENDS_WITHIN_MS) })
  expect(code).toBe(0)
  const left = livingProcesses()
  expect(family.filter((one) => left.has(one))).toEqual([])
})
