import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'

/** Debian has it without its windows as well: as real, and it opens a page in less than half the time. */
const CHROMIUM = process.platform === 'darwin' ? 'chromium' : 'chromium-headless-shell'

/**
 * The tests run against real parts. This looks whether they are there, installs what is missing on Debian as root, and
 * elsewhere says in one line what to install. PostgreSQL, Node and the packages come with `npm ci`.
 */
const PARTS = [
  { program: 'redis-server', debian: 'redis-server', homebrew: 'redis' },
  { program: 'influxd', debian: 'influxdb', homebrew: 'influxdb@1' },
  { program: 'mosquitto_pub', debian: 'mosquitto-clients', homebrew: 'mosquitto' },
  { program: 'mosquitto', debian: 'mosquitto', homebrew: 'mosquitto' },
  { program: CHROMIUM, debian: 'chromium-headless-shell', homebrew: '--cask chromium' },
  { program: 'haproxy', debian: 'haproxy', homebrew: 'haproxy' },
] as const

/** What watches us on Linux, where a container may lack it; elsewhere the one does not exist and the other always does. */
const OF_LINUX = [
  { program: 'systemd-notify', debian: 'systemd', homebrew: '' },
  { program: 'ps', debian: 'procps', homebrew: '' },
]

/** Debian puts daemons where an ordinary user's path does not look. */
const FOLDERS = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin', '/sbin']

/** Without a font of Chinese the pages are tested with empty boxes for words. macOS brings its own. */
const CHINESE_FONT = [
  { debian: 'fontconfig', homebrew: 'fontconfig' },
  { debian: 'fonts-noto-cjk', homebrew: '--cask font-noto-sans-cjk' },
]

const isThere = (program: string) => FOLDERS.some((folder) => folder && existsSync(join(folder, program)))
const missing: { debian: string; homebrew: string }[] = PARTS.filter(({ program }) => !isThere(program))
if (process.platform === 'linux') missing.push(...OF_LINUX.filter(({ program }) => !isThere(program)))
if (!hasChineseFont()) missing.push(...CHINESE_FONT)
if (missing.length > 0) provide()

function hasChineseFont(): boolean {
  if (process.platform === 'darwin') return true
  const listed = spawnSync('fc-list', [':lang=zh', 'family'], { encoding: 'utf8' })
  return listed.status === 0 && listed.stdout.trim() !== ''
}

function provide(): void {
  const canInstall = process.getuid?.() === 0 && spawnSync('apt-get', ['--version'], { stdio: 'ignore' }).status === 0
  if (canInstall) {
    const packages = missing.map((part) => part.debian)
    process.stdout.write(`installing what the tests run against: ${packages.join(' ')}\n`)
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
    execFileSync('apt-get', ['update', '-q'], { stdio: 'inherit', env })
    // Their own services would only take ports; the tests start what they need.
    execFileSync('apt-get', ['install', '-q', '-y', '--no-install-recommends', ...packages], { stdio: 'inherit', env })
    return
  }
  const names =
    process.platform === 'darwin' ? missing.map((part) => part.homebrew) : missing.map((part) => part.debian)
  const how = process.platform === 'darwin' ? 'brew install' : 'sudo apt-get install'
  process.stderr.write(`the tests run against real parts; please install them first:\n  ${how} ${names.join(' ')}\n`)
  process.exit(1)
}
