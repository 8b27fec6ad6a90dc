import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import type { TestProject } from 'vitest/node'
import { startEmbedded } from '../store/postgres/embedded.ts'
import { migrate } from '../store/postgres/migrate.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    postgresUrl: string
  }
}

const silent = { info() {}, warn() {}, error() {}, debug() {} }

/** One real PostgreSQL for the whole run, with a migrated template that each test file copies (services/testing/postgres.ts). */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = mkdtempSync(join(tmpdir(), 'anlin-test-'))
  const database = await startEmbedded(folder, silent)
  const admin = new pg.Client({ connectionString: database.url })
  await admin.connect()
  await admin.query('create database anlin_template')
  await admin.end()
  const template = new URL(database.url)
  template.pathname = '/anlin_template'
  await migrate(template.href)
  project.provide('postgresUrl', database.url)
  return async () => {
    await database.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}
