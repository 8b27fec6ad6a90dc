import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { openBench } from './api/testing/bench.ts'
import { createLog } from './log.ts'
import { createTestDatabase, type TestDatabase } from './testing/postgres.ts'

/** What people would be harmed by, wherever a log is shipped to. */
const SECRETS = ['+8615500000101', '15500000101', '王芳', '3号楼2单元502', 'she fell again', 'hunter2', 'dG9rZW4tb2Y']

let database: TestDatabase
beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(() => database.close())

let written = ''
const write = (line: string) => {
  written += line
}
const log = createLog({ level: 'debug', pretty: false }, { write })
beforeEach(() => {
  written = ''
})

function expectNothingPersonal(): void {
  expect(written).not.toBe('')
  for (const secret of SECRETS) expect(written).not.toContain(secret)
}

async function failureOf(work: Promise<unknown>): Promise<Error> {
  return work.then(
    () => expect.unreachable(),
    (error: Error) => error,
  )
}

test.each([
  ['a value of the wrong type', 'select $1::text::integer', ['she fell again +8615500000101']],
  [
    'a row that breaks a rule',
    "insert into app_user (user_id, login, password_hash, role, name) values ('u', $1, 'hunter2', 'chief', $2)",
    ['+8615500000101', '王芳'],
  ],
  ['a key that is nowhere', 'insert into home_member (home_id, user_id) values ($1, $1)', ['3号楼2单元502']],
])("%s: a database's error says its code, not the row", async (_what, text, values) => {
  const err = await failureOf(database.pool.query(text, values))
  expect(JSON.stringify({ ...err, message: err.message })).toMatch(
    new RegExp(SECRETS.map((s) => s.replace('+', '\\+')).join('|')),
  )
  log.error({ err }, 'request failed')
  log.error({ error: err, homeId: 'home-001' }, 'under another name')
  log.error({ err: new Error('could not be written', { cause: err }) }, 'as a cause')
  expectNothingPersonal()
  expect(JSON.parse(written.split('\n')[0] ?? '')).toMatchObject({
    err: { type: 'error', code: expect.stringMatching(/^2/) },
  })
})

test('the words of an error that says where keep their sense', async () => {
  const err = await failureOf(database.pool.query('select 1 from nowhere'))
  log.error({ err }, 'request failed')
  expect(JSON.parse(written)).toMatchObject({ err: { code: '42P01', message: 'relation … does not exist' } })
  expect(written).toContain('log.test.ts')
})

test("the provider's error says no number", () => {
  const message = "The 'To' number +86 155 0000 0101 is not a valid phone number: +8615500000101"
  const moreInfo = 'https://www.twilio.com/x?to=+8615500000101'
  const err = Object.assign(new Error(message), { status: 400, code: 21211, moreInfo, details: { message } })
  log.warn({ err }, 'the provider did not take a message')
  expectNothingPersonal()
  expect(written).not.toContain('155 0000')
})

test('an address or a text that cannot be read is not quoted', async () => {
  const texts = ['{"note": she fell again', '王芳 3号楼2单元502', 'hunter2']
  for (const text of texts) {
    const error = await failureOf(Promise.resolve().then(() => JSON.parse(text)))
    log.error({ err: error }, 'not JSON')
  }
  log.error({ err: new TypeError('Failed to parse URL from http://anlin:hunter2@anlin.example/a/dG9rZW4tb2Y') }, 'link')
  expectNothingPersonal()
})

test('nor does a fault that nobody caught', () => {
  const program = `
    const { createLog } = await import('./services/log.ts')
    const { createLifecycle, endOnSignals } = await import('./services/lifecycle.ts')
    const log = createLog({ level: 'info', pretty: false })
    endOnSignals(createLifecycle(log), log)
    void Promise.reject(Object.assign(new Error('null value'), { code: '23502', severity: 'ERROR', detail: '王芳' }))`
  const root = join(import.meta.dirname, '..')
  const ended = spawnSync(process.execPath, ['--input-type=module', '-e', program], { cwd: root, encoding: 'utf8' })
  written = ended.stdout + ended.stderr
  expect(ended.status).toBe(1)
  expect(written).toContain('"code":"23502"')
  expectNothingPersonal()
})

test('a request that fails in the database leaves no trace of what it said', async () => {
  const bench = await openBench({ log })
  const admin = await bench.signIn('admin')
  await bench.pool.query("alter table contact add constraint never check (role = 'nobody') not valid")
  const contact = { name: '王芳', phone: '+8615500000101', role: 'family' }
  expect((await bench.ask(admin, 'POST', '/api/v1/homes/home-001/contacts', contact)).status).toBe(500)
  await bench.ask(admin, 'POST', '/api/v1/homes/home-001/contacts', {
    ...contact,
    phone: 'hunter2',
    more: '3号楼2单元502',
  })
  await bench.ask(null, 'POST', '/api/v1/session', { login: '王芳', password: 'hunter2' })
  await bench.close()
  expectNothingPersonal()
  expect(written).toContain('"code":"23514"')
})
