import type { Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { accessibilityFaults, isWiderThanScreen, PageTest, passTime, signIn, smallTargets } from './browser.ts'
import { aHome, anIncident } from './community.ts'

let desk: PageTest
let pages: Page[] = []

async function open(path: string, login: string | null, options = {}): Promise<Page> {
  const page = await desk.open(path, login, options)
  pages.push(page)
  return page
}

beforeAll(async () => {
  desk = await PageTest.start('desk')
})
afterAll(() => desk.stop())
beforeEach(() => {
  const home = aHome()
  desk.platform.homes.set(home.id, home)
})
afterEach(async () => {
  desk.platform.pass()
  desk.platform.failActionsWith = null
  desk.platform.incidents.clear()
  await Promise.all(pages.map((page) => page.context().close()))
  pages = []
  expect(desk.complaints.splice(0)).toEqual([])
})

const row = (page: Page) => page.locator('li[data-incident=incident-1]')

describe('the desk', () => {
  it('says with the time when nothing is open, and shows a new incident without a reload, announced once', async () => {
    const page = await open('/desk/', 'min')
    await page.locator('[data-state=ok]', { hasText: '现在没有未处理的警情' }).waitFor()
    desk.platform.put(anIncident())
    await row(page).waitFor()
    expect(await page.locator('[role=alert]').allTextContents()).toEqual(['新的紧急警情：紧急呼叫，3 号楼 502'])
    expect(await page.title()).toBe('(1) ◆ 安邻 · 值班台')
  })

  it('lists untaken first, then by priority, then the oldest', async () => {
    const at = (minute: string) => ({ openedAt: `2026-11-23T02:${minute}:00Z` })
    const takenBy = { id: 'x', contactId: null, name: '李娜', role: 'social-worker', at: '2026-11-23T02:00:00Z' }
    desk.platform.put(anIncident({ id: 'taken', status: 'acknowledged', takenBy, ...at('01') }))
    desk.platform.put(anIncident({ id: 'notice', severity: 'technical', kind: 'technical', ...at('02') }))
    desk.platform.put(anIncident({ id: 'younger', ...at('05') }))
    desk.platform.put(anIncident({ id: 'older', ...at('04') }))
    desk.platform.put(anIncident({ id: 'warning', severity: 'warning', kind: 'vitals', ...at('03') }))
    const page = await open('/desk/', 'min')
    await page.locator('li[data-incident=taken]').waitFor()
    const order = await page
      .locator('li[data-incident]')
      .evaluateAll((rows) => rows.map((each) => each.dataset.incident))
    expect(order).toEqual(['older', 'younger', 'warning', 'notice', 'taken'])
  })

  it('shows the server’s answer to a take in every browser; the one who came second reads who has it', async () => {
    desk.platform.put(anIncident())
    const [min, na] = [await open('/desk/', 'min'), await open('/desk/', 'na')]
    await Promise.all([row(min).waitFor(), row(na).waitFor()])
    desk.platform.freeze()
    await min.getByRole('button', { name: '接手' }).click()
    await na.getByRole('button', { name: '接手' }).click()
    await min.getByRole('button', { name: '正在发送…' }).waitFor()
    expect(await row(min).locator('[data-part=who]').innerText()).toContain('还没有人接手')
    desk.platform.pass()
    await expect.poll(() => desk.platform.incidents.get('incident-1')?.takenBy?.name).toBeDefined()
    const winner = desk.platform.incidents.get('incident-1')?.takenBy?.name
    await expect.poll(() => row(min).locator('[data-part=who]').innerText()).toContain(`${winner}（社工）`)
    await expect.poll(() => row(na).locator('[data-part=who]').innerText()).toContain(`${winner}（社工）`)
    const loser = winner === '王敏' ? na : min
    await expect
      .poll(() => row(loser).locator('[data-part=lost-to]').innerText())
      .toMatch(/^(王敏|李娜) (刚刚|\d+秒前)已接手$/)
  })

  it('keeps a failed take on its button', async () => {
    desk.platform.put(anIncident())
    desk.platform.failActionsWith = 500
    const page = await open('/desk/', 'min')
    await page.getByRole('button', { name: '接手' }).click()
    await page.getByText('没有送达，请直接打电话').waitFor()
    expect(await row(page).locator('[data-part=who]').innerText()).toContain('还没有人接手')
  })

  it('leads an incident from take to close, which needs an outcome, a sentence and the person seen', async () => {
    desk.platform.put(anIncident())
    const page = await open('/desk/i/incident-1', 'min')
    const incident = page.locator('article')
    await incident.getByRole('button', { name: '接手' }).click()
    await incident.getByRole('button', { name: '我到了' }).click()
    await incident.getByText('已到现场').waitFor()
    await incident.getByLabel('备注').fill('门口有人')
    await incident.getByRole('button', { name: '记下来' }).click()
    await incident.getByRole('log').getByText('门口有人').waitFor()
    await incident.getByRole('button', { name: '结束' }).click()
    const form = page.locator('dialog')
    await form.getByRole('button', { name: '结束' }).click()
    await form.getByText('请选择结果').waitFor()
    await form.getByLabel('虚惊').check()
    await form.getByLabel('用一句话说明').fill('按错了')
    await form.getByRole('button', { name: '结束' }).click()
    await form.getByText('紧急情况要先听到或见到本人，才能结束').waitFor()
    await form.getByLabel('已听到或见到本人').check()
    await form.getByRole('button', { name: '结束' }).click()
    await incident
      .getByText(/结束：虚惊/)
      .first()
      .waitFor()
    expect(desk.platform.incidents.get('incident-1')?.outcome).toBe('false-alarm')
    expect(desk.platform.withoutCsrfHeader).toEqual([])
  })

  it('shows no green while nothing is heard from a home', async () => {
    const page = await open('/desk/', 'min')
    await page.locator('[data-state=ok]').waitFor()
    const home = aHome()
    desk.platform.homes.set(home.id, { ...home, state: { ...home.state, gatewayLost: true } })
    desk.platform.cutStreams()
    await page.locator('p[data-state=unknown]', { hasText: '1 户没有消息' }).waitFor()
    expect(await page.locator('[data-state=ok]').count()).toBe(0)
  })

  it('makes no claim to an installer about emergencies that installers do not see', async () => {
    desk.platform.put(anIncident())
    desk.platform.put(anIncident({ id: 'second' }))
    const page = await open('/desk/', 'wei')
    await page.getByText('紧急警情不对您显示').waitFor()
    expect(await page.locator('[data-state=ok]').count()).toBe(0)
    expect(await page.locator('header .counts').innerText()).not.toContain('紧急')
  })

  it('offers the auditor no button that the platform would refuse', async () => {
    desk.platform.put(anIncident())
    const page = await open('/desk/i/incident-1', 'shen')
    await page.getByRole('log').waitFor()
    expect(await page.locator('main button').allTextContents()).toEqual([])
  })

  it('keeps what is being written while the incident opens again', async () => {
    const takenBy = {
      id: 'user-min',
      contactId: null,
      name: '王敏',
      role: 'social-worker',
      at: new Date().toISOString(),
    }
    desk.platform.put(anIncident({ status: 'acknowledged', takenBy }))
    const page = await open('/desk/i/incident-1', 'min')
    await page.locator('article').getByRole('button', { name: '结束' }).click()
    await page.getByLabel('用一句话说明').fill('他在楼下')
    desk.platform.put(anIncident())
    await page.locator('article').getByText('还没有人接手').waitFor({ state: 'attached' })
    expect(await page.locator('dialog[open]').getByLabel('用一句话说明').inputValue()).toBe('他在楼下')
  })

  it('shows no green while a home is in test mode', async () => {
    desk.platform.homes.set('home-001', aHome({ testModeUntil: new Date(Date.now() + 3_600_000).toISOString() }))
    const page = await open('/desk/', 'min')
    await page.locator('p[data-state=unknown]', { hasText: '1 户在测试模式' }).waitFor()
    expect(await page.locator('[data-state=ok]').count()).toBe(0)
  })

  it('keeps the address when the session ends, and leads back to it', async () => {
    desk.platform.put(anIncident())
    const page = await open('/desk/i/incident-1', 'min')
    await page.locator('article').getByText('紧急呼叫').first().waitFor()
    desk.platform.endSessions()
    await page.getByText('请重新登录').waitFor()
    expect(await page.getByText('3 号楼 502').count()).toBe(0)
    await signIn(page, 'na')
    await page.locator('article').getByText('紧急呼叫').first().waitFor()
  })

  it('fits 320 px with targets of at least 44 px, in Chinese and English', async () => {
    desk.platform.put(anIncident())
    const page = await open('/desk/', 'min', { viewport: { width: 320, height: 640 } })
    await row(page).waitFor()
    for (const language of ['English', '中文']) {
      expect(await isWiderThanScreen(page)).toBe(false)
      expect(await smallTargets(page, 44)).toEqual([])
      await row(page).getByRole('link').click()
      await page.getByRole('log').waitFor()
      expect(await isWiderThanScreen(page)).toBe(false)
      expect(await smallTargets(page, 44)).toEqual([])
      await page.goBack()
      await page.getByRole('button', { name: language }).click()
    }
    expect(await page.locator('html').getAttribute('lang')).toBe('zh-CN')
  })
})

describe('the desk for everyone', () => {
  it.each(['light', 'dark'] as const)('has no fault that axe can find, in %s', async (colorScheme) => {
    desk.platform.put(anIncident())
    desk.platform.put(anIncident({ id: 'warning', severity: 'warning', kind: 'vitals' }))
    desk.platform.put(anIncident({ id: 'notice', severity: 'technical', kind: 'technical', status: 'acknowledged' }))
    const page = await open('/desk/i/notice', 'min', { colorScheme })
    await page.getByRole('log').waitFor()
    expect(await accessibilityFaults(page)).toEqual([])
    await page.getByRole('button', { name: '结束' }).click()
    expect(await accessibilityFaults(page)).toEqual([])
  })

  it('is worked by keyboard: the focus stays on the incident that was taken', async () => {
    desk.platform.put(anIncident())
    const page = await open('/desk/', 'min')
    await page.getByRole('button', { name: '接手' }).focus()
    await page.keyboard.press('Enter')
    await row(page)
      .getByText(/王敏（社工）/)
      .waitFor()
    await expect.poll(() => row(page).evaluate((each) => each === document.activeElement)).toBe(true)
  })
})

it('needs at most 100 kB of script', async () => {
  expect(await desk.scriptGzipBytes()).toBeLessThanOrEqual(100_000)
})

describe('a desk whose connection freezes', () => {
  it('shows nothing as fine within 15 s, and what happened meanwhile once it is back', async () => {
    const page = await open('/desk/', 'min', { ownClock: true })
    await page.locator('[data-state=ok]').waitFor()
    desk.platform.freeze()
    await passTime(page, 15_000)
    await page.locator('header [data-state=cut]').waitFor()
    expect(await page.locator('[data-state=ok], [data-state=live]').count()).toBe(0)
    await page.clock.resume()
    expect(await accessibilityFaults(page)).toEqual([])
    await page.getByText(/连接中断，以下是 .*\d\d:\d\d 的情况/).waitFor()
    desk.platform.put(anIncident())
    desk.platform.pass()
    await row(page).waitFor()
    await page.locator('header [data-state=live]').waitFor()
  })

  it('comes back by itself after the server ended its streams', async () => {
    const page = await open('/desk/', 'min')
    await page.locator('[data-state=ok]').waitFor()
    desk.platform.cutStreams()
    desk.platform.incidents.set('incident-1', anIncident())
    await row(page).waitFor()
  })
})
