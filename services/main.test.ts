import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'

const folder = mkdtempSync(join(tmpdir(), 'anlin-main-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

async function start(args: string[], settings: Record<string, string>): Promise<{ code: number; said: string }> {
  const env = {
    PATH: process.env.PATH ?? '',
    NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE ?? '',
    ANLIN_DATA: folder,
    HTTP_PORT: '0',
    MQTT_PORT: '0',
    SMS_GATEWAY_PORT: '0',
  }
  const main = join(import.meta.dirname, 'main.ts')
  const child = spawn(process.execPath, [main, ...args], { env: { ...env, LOG_LEVEL: 'silent', ...settings } })
  let said = ''
  child.stderr.on('data', (chunk) => {
    said += chunk
  })
  const [code] = await once(child, 'close')
  return { code, said: said.trim() }
}

test('a start that cannot be says why in one line and leaves nothing running', { timeout: 60_000 }, async () => {
  const taken = createServer().listen(0, '127.0.0.1')
  await once(taken, 'listening')
  const address = taken.address()
  const port = String(typeof address === 'object' && address ? address.port : 0)

  expect(await start(['all'], { HTTP_PORT: '80a' })).toEqual({
    code: 1,
    said: 'anlin: HTTP_PORT: got "80a", expected a whole number from 0 to 65535',
  })
  expect((await start(['rules'], {})).said).toMatch(/^anlin: DATABASE_URL: got nothing, expected .+$/)
  expect((await start(['rulez'], {})).said).toMatch(/^anlin: no role is called rulez/)
  for (const name of ['HTTP_PORT', 'MQTT_PORT']) {
    const { code, said } = await start(['all'], { [name]: port })
    expect(code).toBe(1)
    expect(said).toMatch(new RegExp(`^anlin: port ${port} is taken by another program: .+HTTP_PORT or MQTT_PORT.+$`))
  }
  const phones = await start(['all'], { SMS_GATEWAY_PORT: port })
  expect(phones.said).toMatch(/^anlin: the SMS gateway simulator does not start: .+$/)
  // What a failed start left running on the folder would refuse this one; it gets as far as the taken port again.
  expect((await start(['all'], { MQTT_PORT: port })).said).toContain(`port ${port} is taken`)
  taken.close()
})
