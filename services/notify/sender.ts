import type { Claim, ClaimedRow, Hints, Reservation, SmsDelivery } from '../ports.ts'
import {
  CLAIM_MS,
  type Claimed,
  codeOf,
  lookUpDoubtful,
  type SendingPorts,
  type Settled,
  sendClaimed,
} from './sending.ts'

/** Requests at once; the provider's connections are as many and some more. The rest waits in the outbox, in order. */
const MAX_IN_FLIGHT = 16
/** Of these, so many are for critical messages alone: hanging warnings must not stand in an alarm's way. */
const KEPT_FOR_CRITICAL = 4
/** Messages of lost commits that wait to be given back; beyond, they are doubtful when their claim runs out. */
const MAX_UNSURE = 1_000
/** Look-ups of unknown outcomes at once. */
const MAX_LOOK_UPS = 8

type Work = 'send' | 'look-up'

const NOT_SENT = { status: 'pending', dueInMs: 0, errorCode: 'commit-unknown', duplicateCause: null } as const

/** Takes rows from the outbox and carries each to its result, some at once. */
export class Sender {
  readonly #options: SendingPorts & { hints: Hints }
  readonly #running = new Set<Promise<void>>()
  readonly #count: Record<Work, number> = { send: 0, 'look-up': 0 }
  /** Room that is kept for commits under way. */
  #reserved = 0
  #unsure: ClaimedRow[] = []
  #pumping: Promise<void> | null = null
  #again = false
  /** More is due than there was room for, or something is to be sent again at once. */
  #moreDue = false
  /** Outcomes may be waiting for their look-up. */
  #doubtful = false
  #closed = false

  constructor(options: SendingPorts & { hints: Hints }) {
    this.#options = options
  }

  /** Takes up what is due; asked for meanwhile, it goes round once more. Ends when no more is due or no room is left. */
  wake(): Promise<void> {
    this.#again = true
    if (!this.#closed) this.#pumping ??= this.#pumpAll()
    return this.#pumping ?? Promise.resolve()
  }

  /** The same, and whatever outcome is unknown or whose sender was lost. */
  wakeAll(): Promise<void> {
    this.#doubtful = true
    return this.wake()
  }

  /**
   * Room for critical messages that are ours from the commit that writes them. Null while others wait for room: they were
   * there first.
   */
  reserve(most: number): Reservation | null {
    const room = Math.min(most, MAX_IN_FLIGHT - this.#count.send - this.#reserved)
    if (this.#closed || this.#moreDue || room <= 0) return null
    const claimedAtMonotonicMs = this.#options.clock.monotonicMs()
    const held = Promise.withResolvers<void>()
    this.#reserved += room
    this.#running.add(held.promise)
    const release = () => {
      this.#reserved -= room
      this.#running.delete(held.promise)
      held.resolve()
      if (this.#moreDue) void this.wake()
    }
    return {
      room,
      claimMs: CLAIM_MS,
      send: ({ nowMs, messages }) => {
        for (const message of messages) this.#begin('send', { message, claimedAtMonotonicMs, nowMs })
        release()
      },
      giveBack: (messages) => {
        const space = MAX_UNSURE - this.#unsure.length
        this.#unsure.push(...messages.slice(0, space).map((row) => ({ ...row, version: 1 })))
        release()
      },
    }
  }

  /** Ends when everything taken up has its result written. */
  async drain(): Promise<void> {
    while (this.#pumping !== null || this.#running.size > 0) {
      await this.#pumping
      await Promise.allSettled(this.#running)
    }
  }

  close(): void {
    this.#closed = true
  }

  async #pumpAll(): Promise<void> {
    try {
      while (this.#again && !this.#closed) {
        this.#again = false
        await this.#giveBackUnsure()
        await this.#pumpDue()
        await this.#pumpDoubtful()
      }
    } catch (error) {
      this.#options.log.error({ code: codeOf(error) }, 'the outbox could not be read; the next sweep tries again')
    } finally {
      this.#pumping = null
    }
  }

  async #pumpDue(): Promise<void> {
    while (!this.#closed) {
      const free = MAX_IN_FLIGHT - this.#count.send - this.#reserved
      const forAll = free - KEPT_FOR_CRITICAL
      const limit = forAll > 0 ? forAll : free
      if (limit <= 0) {
        this.#moreDue = true
        return
      }
      // Before asking: what becomes due meanwhile must not be forgotten.
      this.#moreDue = false
      const asked = { limit, criticalOnly: forAll <= 0, claimMs: CLAIM_MS }
      const claimed = await this.#claim(() => this.#options.outbox.claimDue(asked))
      for (const message of claimed) this.#begin('send', message)
      if (claimed.length < limit && !asked.criticalOnly) return
      this.#moreDue = true
      if (claimed.length < limit) return
    }
  }

  /** They are ours and were not sent: whoever finds them, at once, sends them. What is not given back stays for the next look. */
  async #giveBackUnsure(): Promise<void> {
    for (let row = this.#unsure[0]; row !== undefined; row = this.#unsure[0]) {
      await this.#options.outbox.settle(row, NOT_SENT)
      this.#unsure.shift()
    }
  }

  async #pumpDoubtful(): Promise<void> {
    const limit = MAX_LOOK_UPS - this.#count['look-up']
    if (this.#closed || !this.#doubtful || limit <= 0) return
    this.#doubtful = false
    const claimed = await this.#claim(() => this.#options.outbox.claimDoubtful({ limit, claimMs: CLAIM_MS }))
    for (const message of claimed) this.#begin('look-up', message)
    if (claimed.length === limit) this.#doubtful = true
  }

  /** The moment before asking is when our claim began at the latest. */
  async #claim(ask: () => Promise<Claim>): Promise<Claimed[]> {
    const claimedAtMonotonicMs = this.#options.clock.monotonicMs()
    const { messages, nowMs } = await ask()
    return messages.map((message) => ({ message, claimedAtMonotonicMs, nowMs }))
  }

  #begin(what: Work, claimed: Claimed): void {
    this.#count[what] += 1
    const work = this.#carry(what, claimed).finally(() => {
      this.#count[what] -= 1
      this.#running.delete(work)
      if (this.#moreDue || this.#doubtful) void this.wake()
    })
    this.#running.add(work)
  }

  async #carry(what: Work, claimed: Claimed): Promise<void> {
    const { hints, log } = this.#options
    const { homeId, incidentId, outboxId } = claimed.message
    try {
      const carry = what === 'send' ? sendClaimed : lookUpDoubtful
      const settled = await carry(this.#options, claimed)
      if (settled === 'unknown') this.#doubtful = true
      else if (settled === 'pending') this.#moreDue = true
      if (incidentId !== null && wantsNextPerson(settled)) hints.hint('incident', homeId)
    } catch (error) {
      // The row stays in `sending`: when its claim runs out it is an unknown outcome.
      log.error({ outboxId, homeId, code: codeOf(error) }, 'what became of a message was not written')
    }
  }
}

/**
 * What may lead to the next person is folded at once. That a message was taken or has arrived brings nobody: the next sweep,
 * or whatever else the home has, takes all of them in one pass, and the alarms of others get the time. (Whoever was told
 * while somebody took it hears that then, within a second.)
 */
export function wantsNextPerson(became: Settled | SmsDelivery['state']): boolean {
  return became === 'failed' || became === 'unknown'
}
