import type { Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { accessibilityFaults, isWiderThanScreen, PageTest, passTime, signIn, smallTargets } from './browser.ts'
import { aContact, aDevice, aHome, anIncident } from './community.ts'

let family: PageTest
let pages: Page[] = []

async function open(login: string | null, options = {}): Promise<Page> {
  const page = await family.open('/family/', login, options)
  pages.push(page)
  return page
}

beforeAll(async () => {
  family = await PageTest.start('family')
})
afterAll(() => family.stop())
beforeEach(() => {
  const home = aHome()
  family.platform.homes.set(home.id, home)
  family.platform.devices = [aDevice(), aDevice({ id: 'gateway-1', kind: 'gateway' })]
  family.platform.contacts = [
    aContact(),
    aContact({ id: 'contact-2', name: '王强', role: 'family', phone: '+8615500002001' }),
  ]
})
afterEach(async () => {
  family.platform.pass()
  family.platform.failActionsWith = null
  family.platform.incidents.clear()
  await Promise.all(pages.map((page) => page.context().close()))
  pages = []
  expect(family.complaints.splice(0)).toEqual([])
})

const headline = (page: Page) => page.locator('h1')

describe('the family page', () => {
  it('claims that all is well with its evidence and age', async () => {
    const page = await open('fang')
    await page.locator('[data-state=ok]').getByText('一切正常').first().waitFor()
    expect(await page.locator('[data-state=ok]').innerText()).toMatch(/\d\d:\d\d 在厨房有活动（3分钟前）/)
  })

  it('turns to an emergency at once, and shows who has it only when the server says so', async () => {
    const page = await open('fang')
    await page.locator('[data-state=ok]').waitFor()
    family.platform.put(anIncident())
    await page.locator('section[data-state=high]', { hasText: '紧急呼叫' }).waitFor()
    expect(await page.title()).toBe('◆ 紧急')
    expect(await page.locator('[data-part=next]').innerText()).toMatch(/\d+ 秒后通知李强/)
    await page.getByRole('button', { name: '我来处理' }).click()
    await page.getByText(/王芳（家属）\d\d:\d\d 接手/).waitFor()
    await page.getByRole('button', { name: '结束' }).waitFor()
    expect(await page.getByRole('button', { name: '一起处理' }).count()).toBe(0)
    expect(await page.locator('a[href="tel:120"]').count()).toBeGreaterThan(0)
  })

  it('keeps a failed “I’m on it” on its button, with numbers to phone', async () => {
    family.platform.put(anIncident())
    family.platform.failActionsWith = 503
    const page = await open('fang')
    await page.getByRole('button', { name: '我来处理' }).click()
    await page.getByText('没有送达，请直接打电话').waitFor()
    expect(await page.getByText('还没有人接手').count()).toBe(1)
  })

  it('offers to phone the one who has it', async () => {
    const takenBy = { id: 'x', contactId: 'contact-2', name: '王强', role: 'family', at: new Date().toISOString() }
    // Two of one name, as happens in families.
    family.platform.contacts = [
      aContact({ id: 'contact-3', name: '王强', phone: '+8615500002009' }),
      aContact({ id: 'contact-2', name: '王强', phone: '+8615500002001' }),
    ]
    family.platform.put(anIncident({ status: 'acknowledged', takenBy }))
    const page = await open('fang')
    await page.getByRole('link', { name: '打给王强' }).waitFor()
    expect(await page.getByRole('link', { name: '打给王强' }).getAttribute('href')).toBe('tel:+8615500002001')
  })

  it('says at once that the other home has an emergency, and goes there with one press', async () => {
    const father = aHome({ id: 'home-002', label: '5 号楼 101', residentName: '王建国' })
    family.platform.homes.set(father.id, father)
    const page = await open('fang')
    await page.locator('[data-state=ok]').waitFor()
    family.platform.put(anIncident({ homeId: 'home-002', homeLabel: father.label }))
    const other = page.locator('[data-other-home=home-002]')
    await other.getByRole('alert').getByText('王建国：紧急呼叫').waitFor()
    expect(await page.title()).toBe('◆ 紧急')
    expect(await accessibilityFaults(page)).toEqual([])
    await other.getByRole('button', { name: '去看王建国' }).click()
    await page.locator('section[data-state=high] h1', { hasText: '紧急呼叫' }).waitFor()
    expect(await other.count()).toBe(0)
    expect(await page.getByRole('combobox').inputValue()).toBe('home-002')
    family.platform.homes.delete(father.id)
  })

  it('does not know how things are when the home falls silent', async () => {
    const page = await open('fang')
    await page.locator('[data-state=ok]').waitFor()
    const home = aHome()
    family.platform.putHome({ ...home, state: { ...home.state, gatewayLost: true } })
    await page.locator('[data-state=unknown]').waitFor()
    expect(await headline(page).innerText()).toMatch(/家里的设备 .*\d\d:\d\d 起没有消息，目前不清楚情况/)
    expect(await page.locator('[data-state=ok]').count()).toBe(0)
  })

  it('claims nothing while the home is in test mode, and says what that means', async () => {
    const testModeUntil = new Date(Date.now() + 3_600_000).toISOString()
    family.platform.homes.set('home-001', aHome({ testModeUntil }))
    const page = await open('fang')
    await page.locator('[data-state=unknown]').waitFor()
    expect(await headline(page).innerText()).toMatch(/^测试模式到 .*\d\d:\d\d：报警不会通知任何人$/)
    expect(await page.getByText('一切正常').count()).toBe(0)
  })

  it('offers the resident no button that the platform would refuse', async () => {
    family.platform.put(anIncident())
    const page = await open('guifang')
    await page.locator('article a[href="tel:120"]').waitFor()
    expect(await page.locator('article button').allTextContents()).toEqual([])
  })

  it('keeps what is being written while the incident opens again', async () => {
    const takenBy = { id: 'user-fang', contactId: null, name: '王芳', role: 'family', at: new Date().toISOString() }
    family.platform.put(anIncident({ status: 'acknowledged', takenBy }))
    const page = await open('fang')
    await page.getByRole('button', { name: '结束' }).click()
    await page.getByLabel('用一句话说明').fill('她在看电视')
    family.platform.put(anIncident())
    await page.getByRole('button', { name: '我来处理', includeHidden: true }).waitFor({ state: 'attached' })
    expect(await page.locator('dialog[open]').getByLabel('用一句话说明').inputValue()).toBe('她在看电视')
  })

  it('says so when signing out did not reach the platform', async () => {
    const page = await open('fang')
    await page.locator('[data-state=ok]').waitFor()
    await page.context().setOffline(true)
    await page.getByRole('button', { name: '退出' }).click()
    await page.getByText('没有退出').waitFor()
  })

  it('shows the home’s time first and the viewer’s own beside it', async () => {
    const page = await open('fang', { timezoneId: 'America/New_York' })
    await page.getByText(/您当地 \d\d:\d\d/).waitFor()
  })

  it('keeps the emergency numbers when signed out', async () => {
    const page = await open(null)
    await page.locator('a[href="tel:120"]').waitFor()
  })

  it('fits 320 px with targets of at least 60 px, in Chinese and English', async () => {
    family.platform.put(anIncident())
    const page = await open(null, { viewport: { width: 320, height: 640 } })
    await page.getByRole('button', { name: '登录' }).waitFor()
    expect(await isWiderThanScreen(page)).toBe(false)
    expect(await smallTargets(page, 60)).toEqual([])
    await signIn(page, 'fang')
    for (const [now, other] of [
      ['紧急', 'English'],
      ['Emergency', '中文'],
    ] as const) {
      await page.locator('article', { hasText: now }).waitFor()
      expect(await isWiderThanScreen(page)).toBe(false)
      expect(await smallTargets(page, 60)).toEqual([])
      await page.getByRole('button', { name: other }).click()
    }
  })

  it.each(['light', 'dark'] as const)('has no fault that axe can find, in %s', async (colorScheme) => {
    const page = await open('fang', { colorScheme })
    await page.locator('[data-state=ok]').waitFor()
    expect(await accessibilityFaults(page)).toEqual([])
    family.platform.put(anIncident())
    family.platform.put(anIncident({ id: 'warning', severity: 'warning', kind: 'vitals' }))
    await page.locator('article[data-incident=warning]').waitFor()
    expect(await accessibilityFaults(page)).toEqual([])
  })

  it('holds still for who asked for less motion', async () => {
    family.platform.put(anIncident())
    const page = await open('fang', { reducedMotion: 'reduce' })
    await page.locator('article').waitFor()
    expect(await page.evaluate(() => document.getAnimations().length)).toBe(0)
  })
})

it('needs at most 70 kB of script', async () => {
  expect(await family.scriptGzipBytes()).toBeLessThanOrEqual(70_000)
})

describe('a family page whose connection freezes', () => {
  it('is never green again until it has read the situation anew', async () => {
    const page = await open('fang', { ownClock: true })
    await page.locator('[data-state=ok]').waitFor()
    family.platform.freeze()
    await passTime(page, 15_000)
    await page.locator('section[data-state=cut]').waitFor()
    expect(await page.locator('[data-state=ok]').count()).toBe(0)
    await page.clock.resume()
    expect(await accessibilityFaults(page)).toEqual([])
    expect(await headline(page).innerText()).toMatch(/连接中断，以下是 .*\d\d:\d\d 的情况/)
    family.platform.pass()
    await page.locator('[data-state=ok]').waitFor()
  })
})
