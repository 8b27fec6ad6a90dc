import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { connectAsync, type MqttClient } from 'mqtt'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { launchChromium } from '../../dashboards/testing/chromium.ts'
import { mosquittoPub } from './mosquitto.ts'
import { signIn as signInAtApi } from './operator.ts'
import {
  type DemoFile,
  type PlatformUnderTrial,
  preparePlatform,
  type RunningPlatform,
  takesConnections,
} from './platform-process.ts'

/** The story of ARCHITECTURE.md's picture, on the platform as `npm start` runs it, by clients nobody here wrote. */

const HOME = 'home-002'
/** One or the other alarm may go the longer way for a good reason; not all of them. */
const MOST_PRESSES = 4
/** Of the several hundred that a platform compiles. */
const SOME_PROGRAMS = 100

let trial: PlatformUnderTrial
let platform: RunningPlatform
let demo: DemoFile
let browser: Browser
let lamp: MqttClient
const lampSaid: { kind: string; status: string; takenBy: string | null }[] = []

beforeAll(async () => {
  trial = await preparePlatform()
  platform = await trial.start()
  await vi.waitFor(() => {
    demo = trial.demo()
  }, 10_000)
  browser = await launchChromium()
  const { username, password } = device('sos-bath')
  lamp = await connectAsync(demo.mqtt, { username, password, clientId: 'lamp' })
  lamp.on('message', (_topic, payload) => lampSaid.push(JSON.parse(payload.toString())))
  await lamp.subscribeAsync(`care/v1/${HOME}/sos-bath/incident`, { qos: 1 })
})

afterAll(async () => {
  await lamp?.endAsync(true)
  await browser?.close()
  await trial?.destroy()
})

const home = () => demo.homes.find(({ id }) => id === HOME) ?? expect.unreachable()
const device = (id: string) => home().devices.find((one) => one.id === id) ?? expect.unreachable()
const phoneOf = (role: string) => home().contacts.find((contact) => contact.role === role)?.phone ?? ''
const workerPhone = () => demo.staff.find(({ gridCell, onCall }) => onCall && gridCell === home().gridCell)?.phone ?? ''

async function textsOn(phone: string): Promise<string[]> {
  const answer = await fetch(`${trial.phones.url}/phones/${phone}/messages`)
  const messages = answer.ok ? ((await answer.json()) as { body: string; direction: string }[]) : []
  return messages.filter(({ direction }) => direction !== 'inbound').map(({ body }) => body)
}

async function reply(phone: string, body: string): Promise<void> {
  await fetch(`${trial.phones.url}/phones/${phone}/messages`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ body }),
  })
}

async function press(id: string): Promise<void> {
  const { username, password } = device('sos-bath')
  const button = await connectAsync(demo.mqtt, { username, password, clientId: 'button' })
  const pressed = { id, at: new Date().toISOString(), kind: 'sos', state: 'pressed' }
  await button.publishAsync(`care/v1/${HOME}/sos-bath/event`, JSON.stringify(pressed), { qos: 1 })
  await button.endAsync()
}

async function signIn(login: string, path: string): Promise<Page> {
  const page = await (await browser.newContext({ locale: 'zh-CN' })).newPage()
  const user = demo.users.find((one) => one.login === login) ?? expect.unreachable()
  await page.goto(`${demo.http}${path}`)
  await page.locator('input').nth(0).fill(user.login)
  await page.locator('input').nth(1).fill(user.password)
  await page.locator('button[type=submit]').click()
  return page
}

test('a smoke alarm by mosquitto_pub reaches family and duty; the worker answers 1; phones, lamp, desk and record know it', async () => {
  const desk = await signIn('worker-west', '/desk/')
  const rows = desk.locator('a[href*="/desk/i/"]')
  await expect.poll(() => desk.locator('body').innerText()).toContain('实时')

  const alarm = { id: 'e2e-1', at: new Date().toISOString(), kind: 'smoke', state: 'alarm' }
  await mosquittoPub(demo.mqtt, device('smoke-kitchen'), `care/v1/${HOME}/smoke-kitchen/event`, alarm)

  await expect.poll(() => textsOn(phoneOf('family-keyholder'))).toEqual([expect.stringMatching(/烟.*119.*回1 \d\d/s)])
  await expect.poll(() => textsOn(workerPhone())).toEqual([expect.stringContaining('119')])
  await expect.poll(() => lampSaid.map(({ status }) => status)).toEqual(['open'])
  await rows.first().waitFor()

  await reply(workerPhone(), '1')
  await expect.poll(() => textsOn(phoneOf('family-keyholder')).then((texts) => texts[1])).toContain('李娜')
  await expect.poll(() => lampSaid.at(-1)).toMatchObject({ kind: 'smoke', status: 'acknowledged', takenBy: '李娜' })
  await expect.poll(() => desk.locator('body').innerText()).toContain('李娜')

  await rows.first().click()
  await expect.poll(() => desk.locator('body').innerText()).toMatch(/经过[\s\S]*接手 · 李娜/)
})

test('a Zigbee2MQTT gateway and the button behind it are placed, and its press on its own topic reaches the family', async () => {
  const homeId = 'home-003'
  const family = demo.homes.find(({ id }) => id === homeId)?.contacts[0]?.phone ?? expect.unreachable()
  const operator = await signInAtApi(demo)
  const convention = 'zigbee2mqtt'
  const gateway = { id: 'zigbee', kind: 'gateway', convention, address: 'zigbee2mqtt' }
  const login = await operator.place(homeId, gateway)
  const button = {
    id: 'sos-bed',
    kind: 'sos-button',
    gatewayId: 'zigbee',
    convention,
    address: 'zigbee2mqtt/bed button',
  }
  await operator.place(homeId, button)
  await expect(operator.place(homeId, { ...button, id: 'sos-other' })).rejects.toThrow('address-taken')
  await mosquittoPub(demo.mqtt, login, 'zigbee2mqtt/bed button', { action: null, battery: 100, linkquality: 0 })
  await mosquittoPub(demo.mqtt, login, 'zigbee2mqtt/not placed', { action: 'emergency' })
  expect(await textsOn(family)).toEqual([])
  await mosquittoPub(demo.mqtt, login, 'zigbee2mqtt/bed button', { action: 'emergency', battery: 100 })
  await expect.poll(() => textsOn(family)).toEqual([expect.stringContaining('求助')])
})

test('the link in a message takes the incident by a button, not by being opened', async () => {
  await press('e2e-2')
  const link = await vi.waitFor(async () => {
    const text = (await textsOn(phoneOf('family-keyholder'))).find((body) => body.includes('求助按钮'))
    return /https?:\S+\/a\/\S+/.exec(text ?? '')?.[0] ?? expect.unreachable()
  }, 10_000)
  await fetch(link)
  await fetch(link, { method: 'HEAD' })
  expect(lampSaid.filter(({ kind, status }) => kind === 'sos' && status !== 'open')).toEqual([])
  const page = await browser.newPage()
  await page.goto(link)
  await page.locator('button').click()
  await expect.poll(() => lampSaid.at(-1)).toMatchObject({ kind: 'sos', status: 'acknowledged' })
})

test('in one process an alarm finds its home at hand, is written with its signal, and is the sender’s from then on', async () => {
  const shown = [
    /^anlin_homes_read_ahead_total [1-9]/m,
    /^anlin_alarms_in_one_commit_total ([2-9]|\d\d)/m,
    /^anlin_outbox_claims_total\{where="commit"\} ([2-9]|\d\d)/m,
  ]
  let presses = 0
  // One whose read was late, or that lost a race, rightly goes the longer way: the next one shows the short one.
  const look = async () => {
    const figures = await (await fetch(`${demo.http}/metrics`)).text()
    if (presses < MOST_PRESSES && !shown.every((figure) => figure.test(figures)))
      await press(`e2e-at-hand-${presses++}`)
    for (const figure of shown) expect(figures).toMatch(figure)
  }
  await vi.waitFor(look, { timeout: 20_000, interval: 500 })
})

test('a database that dies in the moment in which the entrance opens ends nothing', async () => {
  const place = await preparePlatform()
  try {
    const starting = place.start()
    const isOpen = async () => expect(await takesConnections(place.ports.mqtt)).toBe(true)
    await vi.waitFor(isOpen, { timeout: 60_000, interval: 2 })
    const postmaster = place.postmasterPid() ?? expect.unreachable()
    process.kill(postmaster, 'SIGKILL')
    const started = await starting
    await expect.poll(async () => (await fetch(`${place.demo().http}/readyz`)).status).toBe(200)
    expect(place.postmasterPid()).not.toBe(postmaster)
    expect(await started.end()).toBe(0)
  } finally {
    await place.destroy()
  }
})

test('SIGTERM ends it with code 0, and the next start goes on where it was', async () => {
  expect(await platform.end()).toBe(0)
  expect(existsSync(join(trial.folder, 'postgres', 'postmaster.pid'))).toBe(false)
  const compiled = join(trial.folder, 'compiled')
  platform = await trial.start(['all'], { NODE_COMPILE_CACHE: compiled })
  await expect.poll(async () => (await fetch(`${demo.http}/readyz`)).json()).toMatchObject({ ready: true })
  // Kept while it runs: whoever is killed keeps nothing at the end.
  await expect.poll(() => readdirSync(compiled, { recursive: true }).length).toBeGreaterThan(SOME_PROGRAMS)
})
