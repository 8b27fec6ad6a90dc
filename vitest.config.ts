import { join } from 'node:path'
import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

const PATIENCE_MS = 10_000

/**
 * Minutes of whole platforms, the longest first. Two of them beside each other would measure each other, so they seldom
 * are; and one that came last would leave the other worker idle.
 */
const HEAVY = ['trials/kills', 'trials/outages', 'bench/bench', 'bench/storm', 'trials/two-ingests']

class HeavySpreadOut extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files)
    const rankOf = ({ moduleId }: TestSpecification) => HEAVY.findIndex((name) => moduleId.endsWith(`${name}.test.ts`))
    const heavy = sorted.filter((file) => rankOf(file) >= 0).toSorted((a, b) => rankOf(a) - rankOf(b))
    const light = sorted.filter((file) => rankOf(file) < 0)
    const placed = [
      ...heavy.map((file, i) => ({ file, at: i / heavy.length })),
      ...light.map((file, i) => ({ file, at: (i + 0.5) / light.length })),
    ]
    return placed.toSorted((a, b) => a.at - b.at).map(({ file }) => file)
  }
}

// For the workers: what all the files load is compiled once.
process.env.NODE_COMPILE_CACHE ??= join(import.meta.dirname, 'node_modules', '.cache', 'node')

export default defineConfig({
  test: {
    include: ['**/*.test.ts'],
    exclude: ['**/node_modules/**', '**/dist/**'],
    globalSetup: ['services/testing/global-setup.ts'],
    pool: 'forks',
    maxWorkers: 2,
    // A worker loads what the files share once, not for each of them anew, which was an eighth of the whole run. No module of
    // ours keeps anything that a file could leave to the next one; what a test puts in place of a global is taken back.
    isolate: false,
    restoreMocks: true,
    sequence: { sequencer: HeavySpreadOut },
    // Patience, no promise: a machine three times slower stalls for seconds. What must be quick says its own limit.
    expect: { poll: { timeout: PATIENCE_MS } },
    testTimeout: 120_000,
    hookTimeout: 180_000,
  },
})
