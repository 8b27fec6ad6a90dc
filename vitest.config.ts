import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** Minutes: a worker that came to it last would leave the other one idle. */
const LONGEST = /\/simulators\/trials\/kills\.test\.ts$/

const PATIENCE_MS = 10_000

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files)
    return sorted.toSorted((a, b) => Number(LONGEST.test(b.moduleId)) - Number(LONGEST.test(a.moduleId)))
  }
}

export default defineConfig({
  test: {
    include: ['**/*.test.ts'],
    exclude: ['**/node_modules/**', '**/dist/**'],
    globalSetup: ['services/testing/global-setup.ts'],
    pool: 'forks',
    maxWorkers: 2,
    sequence: { sequencer: LongestFirst },
    // Patience, no promise: a machine three times slower stalls for seconds. What must be quick says its own limit.
    expect: { poll: { timeout: PATIENCE_MS } },
    testTimeout: 120_000,
    hookTimeout: 180_000,
  },
})
