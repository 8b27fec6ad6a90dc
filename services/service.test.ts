import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { temporaryFolder } from './testing/temporary-folder.ts'

const SERVICE = join(import.meta.dirname, 'service.ts')

test('the unit restarts for ever, watches us, and leaves the database to our own drain', async () => {
  const file = join(temporaryFolder('unit'), 'anlin.service')
  await promisify(execFile)(process.execPath, [SERVICE, '--install', '--file', file])
  const unit = readFileSync(file, 'utf8')
  const restarts = ['Restart=always', 'StartLimitIntervalSec=0', 'Type=notify', 'WatchdogSec=30', 'KillMode=mixed']
  // A hung start is ended by it; services/watchdog.ts has it extended while one goes on.
  const limits = ['TimeoutStartSec=90']
  for (const line of [...restarts, ...limits, 'Environment="NODE_COMPILE_CACHE=%C/anlin"'])
    expect(unit).toContain(`\n${line}\n`)
  // systemd's own eye, where the machine has it.
  if (existsSync('/usr/bin/systemd-analyze')) {
    const { stderr } = await promisify(execFile)('systemd-analyze', ['verify', file])
    expect(stderr).toBe('')
  }
})

test('a checkout whose path has a blank, a percent or a dollar is one word of the command', async () => {
  const checkout = join(temporaryFolder('unit'), 'care at 100%$HOME')
  mkdirSync(join(checkout, 'services'), { recursive: true })
  const script = join(checkout, 'services', 'service.ts')
  cpSync(SERVICE, script)
  const { stdout } = await promisify(execFile)(process.execPath, [script])
  const doubled = checkout.replace('100%$', () => '100%%$$')
  expect(stdout).toContain(`\nExecStart="${process.execPath}" "${join(doubled, 'services', 'main.ts')}" all\n`)
  expect(stdout).toContain(`\nWorkingDirectory=${checkout.replace('%', '%%')}\n`)
})

test('who may not write the unit is told so in one line', async () => {
  const child = spawn(process.execPath, [SERVICE, '--install', '--file', '/nowhere/anlin.service'])
  let said = ''
  child.stderr.on('data', (chunk) => {
    said += chunk
  })
  const [code] = await once(child, 'exit')
  expect(code).toBe(1)
  expect(said).toContain('cannot write /nowhere/anlin.service')
})
