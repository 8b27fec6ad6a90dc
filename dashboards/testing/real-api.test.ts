import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Bench, openBench } from '../../services/api/testing/bench.ts'
import { HOME, PASSWORD } from '../../services/api/testing/community.ts'
import { PageTest, signIn } from './browser.ts'

/** The desk in front of the platform's own API and database: what the fake platform of the other tests must agree with. */

let desk: PageTest
let bench: Bench
let origin = ''

beforeAll(async () => {
  desk = await PageTest.start('desk')
  bench = await openBench({ pagesFolder: desk.folder })
  origin = (await bench.api.listen({ host: '127.0.0.1', port: 0 })).url
})
afterAll(async () => {
  await desk.stop()
  await bench.close()
})

async function open(login: string) {
  const page = await desk.open('/desk/', null, {}, origin)
  await signIn(page, login, PASSWORD)
  await page.locator('header [data-state=live]').waitFor()
  await page.getByRole('button', { name: '中文' }).click()
  return page
}

it('each role sees and is offered what the API gives it', async () => {
  const installer = await open('installer')
  await installer.getByText('紧急警情不对您显示').waitFor()
  const incident = await bench.raise(HOME)
  const worker = await open('worker')
  await worker.locator('li[data-incident]').waitFor()
  const auditor = await open('auditor')
  await auditor.locator('li[data-incident]').waitFor()
  expect(await auditor.locator('main button').count()).toBe(0)
  expect(await installer.locator('li[data-incident]').count()).toBe(0)
  expect(await installer.locator('[data-state=ok]').count()).toBe(0)

  await worker.getByRole('button', { name: '接手' }).click()
  await auditor.getByText('Li Na（社工）').waitFor()
  await worker.locator('li[data-incident] a').click()
  await worker.getByRole('log').waitFor()
  await worker.locator('article').getByRole('button', { name: '结束' }).click()
  await worker.getByLabel('虚惊').check()
  await worker.getByLabel('用一句话说明').fill('按错了')
  await worker.getByLabel('已听到或见到本人').check()
  await worker.locator('dialog').getByRole('button', { name: '结束' }).click()
  await worker.locator('li[data-incident]').waitFor({ state: 'detached' })
  const { body } = await bench.ask(await bench.signIn('worker'), 'GET', `/api/v1/incidents/${incident}`)
  expect(body).toMatchObject({ status: 'resolved', outcome: 'false-alarm' })
  expect(desk.complaints).toEqual([])
})
