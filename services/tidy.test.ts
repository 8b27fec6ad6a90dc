import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { describe, expect, test } from 'vitest'
import { functionsOf } from './testing/functions-of.ts'
import { idleTests, withoutComments } from './testing/idle-tests.ts'
import { isAllowedOutside, LOG_READING, OUTSIDE_PACKAGES, packageOf } from './testing/outside-rules.ts'

/**
 * The architecture as a test: rooms, who may import whom, sizes, and what may stand where. ARCHITECTURE.md says why.
 * Each rule has been seen to fail: `tidy` runs over a list of files, so a planted one shows it (last describe).
 */

const FILE_LINES = 250
const FUNCTION_LINES = 70

type Source = { path: string; text: string }

const root = join(import.meta.dirname, '..')
const tracked = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
  cwd: root,
  encoding: 'utf8',
})
  .split('\n')
  .filter((path) => /\.(ts|svelte)$/.test(path) && !/\.generated\.ts$/.test(path) && existsSync(join(root, path)))
const sources: Source[] = tracked.map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }))

/** Pure packages that core and devices may use, each with its reason. */
const PURE_PACKAGES = new Map<string, string>([
  ['fast-check', 'properties in tests'],
  ['vitest', 'tests'],
])
const ROOMS = ['ingest', 'rules', 'escalation', 'notify', 'history', 'api']

const isTest = (path: string) =>
  /\.test\.ts$/.test(path) || path.startsWith('services/testing/') || /\/testing\//.test(path)

function importsOf({ path, text }: Source): { target: string; typeOnly: boolean; raw: string }[] {
  const found = [
    ...text.matchAll(
      /(?:^|\n)\s*(?:import|export)\s+(type\s+)?[^'"();]*?from\s+'([^']+)'|import\(\s*'([^']+)'\s*\)|(?:^|\n)import\s+'([^']+)'/g,
    ),
  ]
  return found.map((match) => {
    const raw = match[2] ?? match[3] ?? match[4] ?? ''
    const target = raw.startsWith('.') ? normalize(join(dirname(path), raw)) : raw
    return { target, typeOnly: match[1] !== undefined, raw }
  })
}

type Import = { path: string; target: string; local: boolean; typeOnly: boolean; test: boolean }
type RoomRule = { why: string; applies(path: string): boolean; breaks(found: Import): boolean }

const under =
  (...folders: string[]) =>
  (path: string) =>
    folders.some((folder) => path.startsWith(folder))
const roomOf = (path: string) => ROOMS.find((name) => path.startsWith(`services/${name}/`))
const DEVICE_DOORS = ['devices/observation.ts', 'devices/index.ts']

/** Who may import whom. Tests may see both sides: they are composition roots of their own. */
const ROOM_RULES: RoomRule[] = [
  {
    why: 'simulators and dashboards speak only the public wires',
    applies: under('simulators/', 'dashboards/'),
    breaks: ({ path, target, local, test }) => local && !test && !target.startsWith(`${path.split('/')[0]}/`),
  },
  {
    why: 'outside, each package has its place in services/testing/outside-rules.ts',
    applies: under('simulators/', 'dashboards/'),
    breaks: ({ path, target, local, test }) => !local && !test && !isAllowedOutside(path, target),
  },
  {
    why: 'this room is pure',
    applies: under('devices/', 'services/core/'),
    breaks: ({ target, local, test }) => !local && !test && !PURE_PACKAGES.has(target),
  },
  {
    why: 'devices know nothing of services',
    applies: under('devices/'),
    breaks: ({ target, local, test }) => local && !test && !target.startsWith('devices/'),
  },
  {
    why: 'core knows only itself and the door of devices',
    applies: under('services/core/'),
    breaks: ({ target, local, test }) =>
      local && !test && !target.startsWith('services/core/') && !DEVICE_DOORS.includes(target),
  },
  {
    why: 'the outside world is outside',
    applies: under('services/'),
    breaks: ({ target, test }) => !test && under('simulators/', 'dashboards/')(target),
  },
  {
    why: 'rooms never import each other',
    applies: (path) => roomOf(path) !== undefined,
    breaks: ({ path, target, test }) => !test && roomOf(target) !== undefined && roomOf(target) !== roomOf(path),
  },
  {
    why: 'rooms get ports; only main.ts sees both sides',
    applies: (path) => roomOf(path) !== undefined,
    breaks: ({ target, test }) => !test && target.startsWith('services/store/'),
  },
  {
    why: 'only services/store speaks to stores and providers',
    applies: (path) => !path.startsWith('services/store/') && path.startsWith('services/'),
    breaks: ({ target, test }) =>
      !test && /^(pg|ioredis|bullmq|twilio|@influxdata\/influxdb-client)(\/|$)/.test(target),
  },
]

/** What may be imported from where. Returns one line per fault. */
function roomFaults(source: Source): string[] {
  const { path } = source
  const rules = ROOM_RULES.filter((rule) => rule.applies(path))
  return importsOf(source).flatMap(({ target, typeOnly, raw }) =>
    rules
      .filter((rule) => rule.breaks({ path, target, typeOnly, local: raw.startsWith('.'), test: isTest(path) }))
      .map(({ why }) => `${path} imports ${target}: ${why}`),
  )
}

/** Where there is no InfluxDB it says so on the screen; where CI is set it is told all the same, and fails. */
const MAY_BE_LEFT_OUT = 'describe.skipIf(!hasInfluxd)'

const SQL = /\b(select|insert into|delete from|update)\s[^'"]*\b(from|values|where|set)\b/i
const MAY_HOLD_SQL = (path: string) => under('services/store/')(path) || path === LOG_READING

function placeFaults({ path, text }: Source): string[] {
  const faults: string[] = []
  const test = isTest(path)
  // Simulators are programs of their own: they hand an environment to what they start.
  const reads = /\bprocess\.(env|loadEnvFile)\b|'node:process'/.test(text) && path.startsWith('services/') && !test
  if (reads && path !== 'services/config.ts') faults.push(`${path}: only config.ts reads the environment`)
  if (
    path.startsWith('services/') &&
    !test &&
    path !== 'services/lifecycle.ts' &&
    /process\.(on|once)\(\s*'SIG/.test(text)
  )
    faults.push(`${path}: only lifecycle.ts handles signals`)
  if (!test && !MAY_HOLD_SQL(path) && SQL.test(withoutComments(text)))
    faults.push(`${path}: SQL stands only in services/store`)
  if (
    /\b(it|test|describe)\.(only|skip|todo|fails|skipIf|runIf)\b/.test(text.replace(MAY_BE_LEFT_OUT, '')) &&
    path !== 'services/tidy.test.ts'
  )
    faults.push(`${path}: a test that does not run`)
  if (/vi\.mock\(/.test(text) && path !== 'services/tidy.test.ts')
    faults.push(`${path}: fakes stand only at the outer wire`)
  for (const name of /\.test\.ts$/.test(path) ? idleTests(text) : []) faults.push(`${path}: “${name}” asserts nothing`)
  if (
    path.startsWith('services/core/') &&
    !test &&
    /\bDate\.now\(|new Date\(\)|Math\.random\(|\basync\s|\bawait\s|performance\.now/.test(withoutComments(text))
  )
    faults.push(`${path}: core has no clock, no chance and no waiting`)
  if (!/^[a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9-]+)*$/.test(path.split('/').at(-1) ?? ''))
    faults.push(`${path}: names are kebab-case`)
  if (/(^|[/-])(utils?|helpers?|manager|misc)([.-]|$)/.test(path)) faults.push(`${path}: a name that says nothing`)
  return faults
}

function sizeFaults({ path, text }: Source): string[] {
  const lines = text.split('\n')
  const faults: string[] = []
  if (lines.length > FILE_LINES) faults.push(`${path} has ${lines.length} lines, at most ${FILE_LINES}`)
  if (path.endsWith('.ts') && !isTest(path)) {
    for (const { name, length } of functionsOf(lines)) {
      if (length > FUNCTION_LINES) faults.push(`${path}: ${name} has ${length} lines, at most ${FUNCTION_LINES}`)
    }
  }
  return faults
}

const tidy = (files: Source[]) =>
  files.flatMap((file) => [...roomFaults(file), ...placeFaults(file), ...sizeFaults(file)])

test('every file keeps to its room, its size and its place', () => {
  expect(tidy(sources)).toEqual([])
})

test('nothing is allowed outside that nobody there uses', () => {
  const used = (name: string, place: string) =>
    sources.some((file) => file.path.startsWith(place) && importsOf(file).some(({ raw }) => packageOf(raw) === name))
  expect(OUTSIDE_PACKAGES.filter(({ name, under: place }) => !used(name, place))).toEqual([])
  expect(sources.filter(({ path, text }) => path === LOG_READING && SQL.test(text))).toHaveLength(1)
})

test('ARCHITECTURE.md names every room', () => {
  const map = readFileSync(join(root, 'ARCHITECTURE.md'), 'utf8')
  const rooms = new Set(
    tracked.filter((path) => path.split('/').length > 2).map((path) => path.split('/').slice(0, 2).join('/')),
  )
  expect([...rooms].filter((room) => !map.includes(`${room}/`) && !map.includes(`\`${room}`))).toEqual([])
})

describe('each rule has teeth', () => {
  test.each([
    ['services/api/x.ts', "import { a } from '../store/postgres/pool.ts'", 'rooms get ports'],
    ['services/api/x.ts', "import { a } from '../rules/y.ts'", 'rooms never import each other'],
    ['services/core/x.ts', "import { readFile } from 'node:fs'", 'this room is pure'],
    ['services/core/x.ts', 'export const a = () => Date.now()', 'no clock'],
    ['devices/x.ts', "import { a } from '../services/core/x.ts'", 'devices know nothing'],
    ['simulators/x.ts', "import { a } from '../services/core/x.ts'", 'public wires'],
    ['simulators/trials/x.ts', "import pg from 'pg'", 'has its place'],
    ['simulators/x.ts', "import { Aedes } from 'aedes'", 'has its place'],
    ['dashboards/family/x.ts', "import { connect } from 'mqtt'", 'has its place'],
    ['simulators/bench/x.ts', 'const q = `select a from b where c`', 'SQL stands only'],
    ['dashboards/ui/x.svelte', 'const q = `update b set c = 1`', 'SQL stands only'],
    ['services/rules/x.ts', 'const q = `select a from b where c`', 'SQL stands only'],
    ['services/demo.ts', 'const q = `insert into a values (1)`', 'SQL stands only'],
    ['services/rules/x.ts', 'const a = process.env.A', 'reads the environment'],
    ['services/main.ts', 'const a = process.env.A', 'reads the environment'],
    ['services/replay.ts', "process.loadEnvFile('.env')", 'reads the environment'],
    ['services/rules/x.ts', "process.on('SIGTERM', f)", 'handles signals'],
    ['services/rules/x.test.ts', "it.skip('a', () => expect(1))", 'does not run'],
    ['services/rules/x.test.ts', "test('a', () => {})", 'asserts nothing'],
    [
      'services/rules/x.test.ts',
      "test('a', () => {\n  expect(1)\n})\ntest('b', () => {\n  run()\n})",
      '“b” asserts nothing',
    ],
    ['services/rules/x.test.ts', "test('a', () => {\n  // expect(1)\n})", 'asserts nothing'],
    ['services/rules/x.test.ts', "describe.skipIf(true)('a', () => expect(1))", 'does not run'],
    ['services/rules/x.test.ts', "test.runIf(false)('a', () => expect(1))", 'does not run'],
    ['services/rules/Bad.ts', '', 'kebab-case'],
    ['services/rules/utils.ts', '', 'says nothing'],
    ['services/rules/x.ts', '\n'.repeat(FILE_LINES + 1), 'at most 250'],
    ['services/rules/x.ts', `function a() {\n${'  b()\n'.repeat(FUNCTION_LINES)}}\n`, 'at most 70'],
  ])('%s: %#', (path, text, fault) => {
    expect(tidy([{ path, text }]).join('\n')).toContain(fault)
  })
})
