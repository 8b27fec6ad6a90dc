import { expect, test } from 'vitest'
import { HIDDEN_PAUSE_MS } from './memory.ts'
import { pauseWhileHidden } from './passes.ts'

test('what an open transaction hides is looked for again within 20 ms, however long it stays hidden', async () => {
  const memory = { hiddenPauseMs: HIDDEN_PAUSE_MS }
  for (let look = 0; look < 8; look++) {
    await pauseWhileHidden(memory, true)
    expect(memory.hiddenPauseMs).toBeLessThanOrEqual(20)
  }
  // What comes next is looked for at once again.
  await pauseWhileHidden(memory, false)
  expect(memory.hiddenPauseMs).toBeLessThanOrEqual(2)
})
