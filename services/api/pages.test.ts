import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Bench, openBench } from './testing/bench.ts'
import { documentedRoutes, servedRoutes } from './testing/routes.ts'

/** Served, and not of the API: pages for people, and the document itself. */
const PAGES = [
  '/',
  '/docs',
  '/openapi.json',
  '/pages.css',
  '/family',
  '/family/',
  '/family*',
  '/desk',
  '/desk/',
  '/desk*',
  '/desk/i/{id}',
]

let bench: Bench
const pagesFolder = mkdtempSync(join(tmpdir(), 'anlin-pages-'))
beforeAll(async () => {
  for (const app of ['family', 'desk']) {
    mkdirSync(join(pagesFolder, app, 'assets'), { recursive: true })
    writeFileSync(join(pagesFolder, app, 'index.html'), `<!doctype html><title>${app}</title>`)
    writeFileSync(join(pagesFolder, app, 'assets', 'index-a1b2c3.js'), 'export {}')
  }
  writeFileSync(join(pagesFolder, 'secret.txt'), 'outside')
  bench = await openBench({ pagesFolder })
})
afterAll(async () => {
  await bench.close()
  rmSync(pagesFolder, { recursive: true, force: true })
})

const get = (url: string, headers = {}) => bench.app.inject({ url, headers })

describe('the pages', () => {
  test('are asked for anew each time, their hashed files never again', async () => {
    for (const url of ['/family/', '/desk/', '/desk/i/home-001.7', '/family/index.html']) {
      const page = await get(url)
      expect([url, page.statusCode, page.headers['cache-control']]).toEqual([url, 200, 'no-cache'])
      expect(page.headers['content-type']).toBe('text/html; charset=utf-8')
      expect(page.headers['content-security-policy']).toContain("frame-ancestors 'none'")
    }
    const asset = await get('/desk/assets/index-a1b2c3.js')
    expect(asset.headers).toMatchObject({
      'cache-control': 'public, max-age=31536000, immutable',
      'content-type': 'application/javascript; charset=utf-8',
    })
  })

  test('lead from the short address to the long one, and from nothing to nothing else', async () => {
    expect((await get('/family')).headers.location).toBe('/family/')
    expect((await get('/desk')).headers.location).toBe('/desk/')
    for (const url of [
      '/desk/assets/gone.js',
      '/desk/nowhere',
      '/desk/..%2fsecret.txt',
      '/desk/../secret.txt',
      '/family/i/1',
    ]) {
      expect([url, (await get(url)).statusCode]).toEqual([url, 404])
    }
  })

  test('that are not built say so', async () => {
    const empty = await openBench({ pagesFolder: join(pagesFolder, 'nothing') })
    for (const url of ['/family/', '/desk/', '/desk/i/x']) {
      const page = await empty.app.inject({ url, headers: { 'accept-language': 'en' } })
      expect([url, page.statusCode]).toEqual([url, 503])
      expect(page.body).toContain('npm ci')
    }
    await empty.close()
  })
})

describe('the start page', () => {
  test('in the demo shows the way to everything', async () => {
    const page = await get('/')
    for (const target of ['"/family/"', '"/desk/"', '"http://phones.example"', '"/docs"'])
      expect(page.body).toContain(`href=${target}`)
    expect(page.body).toContain('npm run sim -- sos')
    expect(page.body).not.toMatch(/<script|<style|style=/)
  })

  test('in production is the desk', async () => {
    const production = await openBench({ demo: null })
    const answer = await production.app.inject('/')
    await production.close()
    expect([answer.statusCode, answer.headers.location]).toEqual([302, '/desk/'])
  })
})

describe('the OpenAPI document', () => {
  test('is 3.1 and describes every route that is no page, with its refusals', async () => {
    const document = (await get('/openapi.json')).json()
    expect(document.openapi).toBe('3.1.0')
    const documented = documentedRoutes(bench.app)
    const served = servedRoutes(bench.app).filter(({ method, path }) => method !== 'GET' || !PAGES.includes(path))
    const names = (routes: { method: string; path: string }[]) => routes.map(({ method, path }) => `${method} ${path}`)
    expect(names(documented).sort()).toEqual(names(served).sort())
    for (const { method, path } of documented) {
      const operation = document.paths[path][method.toLowerCase()]
      expect([path, operation.summary, operation.responses.default?.description]).toEqual([
        path,
        expect.any(String),
        'Refused',
      ])
    }
  })

  test('can be read by a person', async () => {
    const page = await get('/docs')
    expect(page.body).toContain('/api/v1/incidents/{id}/acknowledge')
    expect(page.body).not.toMatch(/<script|<style|style=/)
  })
})
