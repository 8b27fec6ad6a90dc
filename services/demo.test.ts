import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { readConfig } from './config.ts'
import { refuseDemoOnRealPhones } from './demo.ts'

const folder = mkdtempSync(join(tmpdir(), 'anlin-demo-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const real = {
  ANLIN_DATA: folder,
  TWILIO_ACCOUNT_SID: `AC${'1'.repeat(32)}`,
  TWILIO_AUTH_TOKEN: 'a token',
  TWILIO_FROM: '+15005550006',
}
const production = {
  ...real,
  NODE_ENV: 'production',
  PUBLIC_URL: 'https://care.example',
  SESSION_KEY: 's'.repeat(32),
  DATA_KEY: 'd'.repeat(32),
}
const refusal = (settings: Record<string, string>) => () => refuseDemoOnRealPhones(readConfig(settings, folder))

test('real phones are refused while the demo’s invented people would be told, in one line, before anything is made', async () => {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'main.ts')], {
    env: { PATH: process.env.PATH ?? '', HTTP_PORT: '0', MQTT_PORT: '0', SMS_GATEWAY_PORT: '0', ...real },
    timeout: 20_000,
  })
  let said = ''
  child.stderr.on('data', (chunk) => {
    said += chunk
  })
  const [code] = await once(child, 'close')
  expect(said).toMatch(/^anlin: TWILIO_ACCOUNT_SID: .+NODE_ENV=production.+ANLIN_DATA.*\n$/)
  expect(code).toBe(1)
  expect(readdirSync(folder)).toEqual([])
})

test('a provider on this machine is no real phone; production is, but not on the demo’s folder', () => {
  for (const url of ['http://127.0.0.1:9', 'http://localhost:9', 'http://[::1]:9']) {
    expect(refusal({ ...real, TWILIO_API_URL: url })).not.toThrow()
  }
  expect(refusal({ ...real, TWILIO_API_URL: 'https://127.0.0.1.example' })).toThrow('TWILIO_ACCOUNT_SID')
  expect(refusal(production)).not.toThrow()
  writeFileSync(join(folder, 'demo.json'), '{}')
  expect(refusal(production)).toThrow(/^ANLIN_DATA: .+demo/)
  expect(refusal({ ...production, TWILIO_API_URL: 'http://127.0.0.1:9' })).not.toThrow()
})
