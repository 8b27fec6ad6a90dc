import { execFile } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import { AxeBuilder } from '@axe-core/playwright'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { launchChromium } from './chromium.ts'
import { FakePlatform } from './fake-platform.ts'

const VITE = fileURLToPath(new URL('../../node_modules/vite/bin/vite.js', import.meta.url))
const DASHBOARDS = fileURLToPath(new URL('..', import.meta.url))

/** One browser and the built page, as it is shipped, in front of a platform that a test plays with. */
export class PageTest {
  readonly platform: FakePlatform
  /** Whatever the browser complained of: a breach of the policy, an uncaught error. */
  readonly complaints: string[] = []
  readonly #browser: Browser
  readonly #folder: string
  readonly #origin: string

  private constructor(platform: FakePlatform, browser: Browser, folder: string, origin: string) {
    this.platform = platform
    this.#browser = browser
    this.#folder = folder
    this.#origin = origin
  }

  static async start(app: 'family' | 'desk'): Promise<PageTest> {
    const folder = await mkdtemp(join(tmpdir(), 'anlin-pages-'))
    const build = [
      'build',
      join(DASHBOARDS, app),
      '--outDir',
      join(folder, app),
      '--emptyOutDir',
      '--logLevel',
      'error',
    ]
    await promisify(execFile)(process.execPath, [VITE, ...build], { env: { NODE_ENV: 'production' } })
    const platform = new FakePlatform(folder)
    const origin = await platform.listen()
    const browser = await launchChromium()
    return new PageTest(platform, browser, folder, origin)
  }

  /** Where the built page lies, as the platform's own server wants it. */
  get folder(): string {
    return this.#folder
  }

  async stop(): Promise<void> {
    await this.#browser.close()
    await this.platform.close()
    await rm(this.#folder, { recursive: true })
  }

  /** What a phone fetches as script before the page shows anything, compressed. */
  async scriptGzipBytes(): Promise<number> {
    const files = await readdir(this.#folder, { recursive: true })
    const scripts = files.filter((file) => file.endsWith('.js'))
    const sizes = scripts.map(async (file) => gzipSync(await readFile(join(this.#folder, file))).length)
    return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0)
  }

  /** A browser of one person, signed in at `path` unless `login` is null; `ownClock`: for `passTime`. */
  async open(
    path: string,
    login: string | null,
    { ownClock = false, ...options }: BrowserContextOptions & { ownClock?: boolean } = {},
    origin = this.#origin,
  ): Promise<Page> {
    const context = await this.#browser.newContext({ locale: 'zh-CN', timezoneId: 'Asia/Shanghai', ...options })
    const page = await context.newPage()
    if (ownClock) await page.clock.install()
    page.on('pageerror', (error) => this.complaints.push(String(error)))
    page.on('console', (message) => {
      if (message.text().includes('Content Security Policy')) this.complaints.push(message.text())
    })
    await page.goto(origin + path)
    if (login !== null) await signIn(page, login)
    return page
  }
}

/** So much goes by on the page's own clock, which then stands still until `page.clock.resume()`. */
export async function passTime(page: Page, ms: number): Promise<void> {
  const nowMs = await page.evaluate(() => Date.now())
  // It cannot be stopped in its past.
  const stopAfterMs = ms / 2
  await page.clock.pauseAt(nowMs + stopAfterMs)
  await page.clock.runFor(ms - stopAfterMs)
}

export async function signIn(page: Page, login: string, password = `${login}-pass`): Promise<void> {
  await page.locator('input[name=login]').fill(login)
  await page.locator('input[name=password]').fill(password)
  await page.locator('form button[type=submit]').click()
}

/** Everything a person's finger should hit, with its size, where it is smaller than asked. */
export function smallTargets(page: Page, minPx: number): Promise<string[]> {
  return page.evaluate((min) => {
    const targets = [...document.querySelectorAll<HTMLElement>('main button, main a, article button, article a')]
    const shown = targets.filter((target) => target.offsetParent !== null && !target.closest('dialog'))
    return shown
      .filter((target) => target.getBoundingClientRect().height < min)
      .map((target) => `${target.textContent?.trim()} ${target.getBoundingClientRect().height}`)
  }, minPx)
}

export function isWiderThanScreen(page: Page): Promise<boolean> {
  return page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth)
}

/** What axe finds against WCAG 2.2 AA, and against the stricter contrast that older eyes need. */
export async function accessibilityFaults(page: Page): Promise<string[]> {
  // The mark's flashing is not a colour to measure.
  await page.emulateMedia({ reducedMotion: 'reduce' })
  const results = await new AxeBuilder({ page })
    .options({ rules: { 'color-contrast-enhanced': { enabled: true } } })
    .analyze()
  return results.violations.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.html}`))
}
