import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { SmsProvider } from '../ports.ts'
import { machineClock } from './testing/quiet-ports.ts'
import type { Ports } from './testing/real-ports.ts'
import { beginStory, type Story } from './testing/story.ts'

let story: Story
beforeEach(async () => {
  story = await beginStory()
})
afterEach(() => story.end())

describe('a sender that dies or freezes', () => {
  test('killed after the provider took it and before it knew: found again, nobody gets it twice', async () => {
    await story.start(({ provider }) => ({ provider: dyingAfter(provider) }))
    await story.signal()
    await story.expectSms('daughter', /^EMERGENCY/)
    story.kill()
    await story.start()
    await story.pass(16_000, 16_000)
    await story.expectSilence()
    expect(await story.duplicates()).toEqual([])
    expect((await story.outboxRows())[0]?.status).toMatch(/accepted|delivered/)
  })

  test('killed before the request went out: sent by the successor, and counted as a possible duplicate', async () => {
    await story.start(({ provider }) => ({ provider: { ...provider, send: () => new Promise<never>(() => {}) } }))
    await story.signal()
    await expect.poll(async () => (await story.outboxRows())[0]?.status).toBe('sending')
    story.kill()
    await story.start()
    await story.pass(16_000, 16_000)
    await story.expectSms('daughter', /^EMERGENCY/)
    await story.expectSilence()
    expect(await story.duplicates()).toEqual([{ cause: 'sender-lost', count: 1 }])
  })

  const claims = {
    /** Written and claimed in one, as where the escalation runs in the sender's process. */
    commit: ({ incidents }: Ports, freeze: () => Promise<void>): Partial<Ports> => ({
      incidents: {
        ...incidents,
        async commit(commit, asked) {
          const claim = await incidents.commit(commit, asked)
          if (claim && claim.messages.length > 0) await freeze()
          return claim
        },
      },
    }),
    /** Written by another process and found in the outbox. */
    claimDue: ({ incidents, outbox }: Ports, freeze: () => Promise<void>): Partial<Ports> => ({
      incidents: { ...incidents, commit: (commit) => incidents.commit(commit, null) },
      outbox: {
        ...outbox,
        async claimDue(asked) {
          const claim = await outbox.claimDue(asked)
          if (claim.messages.length > 0) await freeze()
          return claim
        },
      },
    }),
  }

  test.each(['commit', 'claimDue'] as const)(
    'frozen between its claim (by %s) and its request, past the claim: it sends nothing when it wakes',
    async (by) => {
      let frozenMs = 0
      /** Stopped for 20 s, with what it has claimed in hand; another process goes on meanwhile. */
      const freezeOnce = async () => {
        if (frozenMs > 0) return
        frozenMs = 20_000
        await story.setClockAhead(frozenMs)
        const successor = await story.startPlatform()
        await successor.notify.sweep()
        await successor.notify.drain()
        await successor.notify.close()
        await successor.escalation.close()
      }
      await story.start((own) => ({
        ...claims[by](own, freezeOnce),
        clock: { ...own.clock, monotonicMs: () => machineClock.monotonicMs() + frozenMs },
      }))
      await story.signal()
      await story.expectSms('daughter', /^EMERGENCY/)
      await story.expectSilence()
      expect((await story.outboxRows()).map(({ attempts }) => attempts)).toEqual([2])
    },
  )

  test('an alarm is the sender’s from the commit that writes it, and waits for nothing of the outbox', async () => {
    await story.start(({ outbox }) => ({ outbox: { ...outbox, claimDue: () => new Promise(() => {}) } }))
    await story.signal()
    await story.expectSms('daughter', /^EMERGENCY/)
    story.kill()
  })

  test('the answer to the commit that wrote it is lost: given back and sent at once, and counted as no duplicate', async () => {
    let lost = 0
    await story.start(({ incidents }) => ({
      incidents: {
        ...incidents,
        async commit(commit, asked) {
          const claim = await incidents.commit(commit, asked)
          if (claim && claim.messages.length > 0 && lost++ === 0) throw new Error('the connection was lost')
          return claim
        },
      },
    }))
    await story.signal()
    await story.expectSms('daughter', /^EMERGENCY/)
    await story.expectSilence()
    expect(lost).toBe(1)
    expect(await story.duplicates()).toEqual([])
    expect((await story.outboxRows()).map(({ attempts }) => attempts)).toEqual([1])
  })

  test('a commit that failed is not taken for the one that followed: nothing is given back that is being sent', async () => {
    let failed = 0
    const sent: string[] = []
    await story.start(({ incidents, provider }) => ({
      incidents: {
        ...incidents,
        async commit(commit, asked) {
          if (commit.messages.length > 0 && failed++ === 0) throw new Error('the connection was refused')
          return incidents.commit(commit, asked)
        },
      },
      provider: {
        ...provider,
        async send(message) {
          sent.push(message.to)
          await sleep(300)
          return provider.send(message)
        },
      },
    }))
    await story.signal()
    await sleep(300)
    // As the sweeps come in a running platform: while the request is on its way.
    await story.running().escalation.sweep()
    await story.running().notify.sweep()
    await story.expectSms('daughter', /^EMERGENCY/)
    await story.expectSilence()
    expect(failed).toBeGreaterThan(1)
    expect(sent).toHaveLength(1)
    expect(await story.duplicates()).toEqual([])
  })

  test('a commit that is written after its answer was lost is found by a later look, long before its claim ends', async () => {
    const looked = Promise.withResolvers<void>()
    let written: Promise<unknown> | null = null
    await story.start(({ incidents }) => ({
      incidents: {
        ...incidents,
        async commit(commit, asked) {
          if (commit.messages.length > 0 && written === null) {
            written = looked.promise.then(() => incidents.commit(commit, asked))
            throw new Error('the connection was lost')
          }
          return incidents.commit(commit, asked)
        },
      },
    }))
    await story.signal()
    await story.running().notify.sweep()
    looked.resolve()
    await written
    await story.running().notify.sweep()
    await story.expectSms('daughter', /^EMERGENCY/)
    await story.expectSilence()
    expect(await story.duplicates()).toEqual([])
  })
})

/** Hands the message to the provider and never hears the answer, as a process that is killed in between. */
function dyingAfter(provider: SmsProvider): SmsProvider {
  return {
    ...provider,
    async send(message) {
      await provider.send({ to: message.to, body: message.body })
      return new Promise<never>(() => {})
    },
  }
}
