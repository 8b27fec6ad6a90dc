import { expect, test } from 'vitest'
import type { AccountDirectory, DeviceAccount } from '../ports.ts'
import { createLogins } from './logins.ts'

/** A directory in memory that counts what it is asked. */
function directoryOf(known: string[]) {
  const asked: string[] = []
  const hash = (secret: string) => new Uint8Array(Buffer.from(secret.padEnd(32).slice(0, 32)))
  const accounts = new Map<string, DeviceAccount>(
    known.map((name) => [name, { account: name, homeId: 'home', deviceId: name, devices: [], secretHash: hash(name) }]),
  )
  const directory: AccountDirectory = {
    async find(username) {
      asked.push(username)
      return accounts.get(username) ?? null
    },
    hashSecret: hash,
    startSession: async () => 1,
    latestSession: async () => 1,
  }
  return { asked, accounts, directory }
}

test('names that nobody has push no real account out, however many are tried', async () => {
  const { asked, directory } = directoryOf(['button'])
  const clock = { now: () => 0, monotonicMs: () => 0 }
  const logins = createLogins(directory, clock)
  expect(await logins.check('button', 'button')).not.toBeNull()
  for (let name = 0; name < 30_000; name++) expect(await logins.check(`nobody-${name}`, 'x')).toBeNull()
  expect(await logins.check('button', 'button')).not.toBeNull()
  expect(asked.filter((name) => name === 'button')).toHaveLength(1)
})

test('a name that nobody has is not asked for again within a second', async () => {
  const { asked, accounts, directory } = directoryOf([])
  let nowMs = 0
  const logins = createLogins(directory, { now: () => 0, monotonicMs: () => nowMs })
  for (let attempt = 0; attempt < 5; attempt++) expect(await logins.check('soon', 'soon')).toBeNull()
  expect(asked).toHaveLength(1)
  accounts.set('soon', directoryOf(['soon']).accounts.get('soon') as DeviceAccount)
  nowMs += 1_000
  expect(await logins.check('soon', 'soon')).not.toBeNull()
})

test('what is read while its home changes is read once more', async () => {
  const { asked, accounts, directory } = directoryOf(['gateway'])
  const logins = createLogins(
    {
      ...directory,
      async find(username) {
        const account = await directory.find(username)
        if (asked.length === 1) {
          accounts.delete('gateway')
          logins.forget('home')
        }
        return account
      },
    },
    { now: () => 0, monotonicMs: () => 0 },
  )
  expect(await logins.check('gateway', 'gateway')).toBeNull()
  expect(asked).toEqual(['gateway', 'gateway'])
})
