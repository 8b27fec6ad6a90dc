import { randomInt } from 'node:crypto'
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
/** No two claims of one message have the same by chance; the database adds one for each step of the row. */
const MAX_CLAIM_VERSION = 2 ** 47
/** Look-ups of unknown outcomes at once. */
const MAX_LOOK_UPS = 8

type Work = 'send' | 'look-up'

/** Takes rows from the outbox and carries each to its result, some at once. */
export class Sender {
  readonly #options: SendingPorts & { hints: Hints }
  readonly #running = new Set<Promise<void>>()
  readonly #count: Record<Work, number> = { send: 0, 'look-up': 0 }
  /** Room that is kept for commits and claims under way. */
  #reserved = 0
  /** Critical messages wait in the outbox, as far as we know. */
  #othersWait = false
  #unsure: (ClaimedRow & { untilMs: number })[] = []
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
   * Room for critical messages that are ours from the commit that writes them. Null while others wait in the outbox: they
   * were there first.
   */
  reserve(most: number): Reservation | null {
    const room = Math.min(most, this.#free())
    if (this.#closed || this.#othersWait || room <= 0) {
      this.#othersWait = true
      return null
    }
    // What does not fit waits in the outbox, and whoever comes later waits behind it.
    this.#othersWait = room < most
    const claimedAtMonotonicMs = this.#options.clock.monotonicMs()
    const version = randomInt(1, MAX_CLAIM_VERSION)
    const release = this.#hold(room)
    return {
      room,
      version,
      claimMs: CLAIM_MS,
      send: (claim) => {
        // The database's time is that of the commit's end.
        const nowMs = claim.nowMs - (this.#options.clock.monotonicMs() - claimedAtMonotonicMs)
        for (const message of claim.messages) this.#begin('send', { message, claimedAtMonotonicMs, nowMs })
        this.#options.metrics.count('anlin_outbox_claims_total', claim.messages.length, { where: 'commit' })
        release()
        // A pass that lost its race said that others would wait, and wrote none.
        if (claim.messages.length === 0) void this.wake()
      },
      giveBack: (messages) => {
        // Its claim began later than we asked for it, if it was written at all.
        const untilMs = this.#options.clock.monotonicMs() + CLAIM_MS
        const space = MAX_UNSURE - this.#unsure.length
        this.#unsure.push(...messages.slice(0, space).map((row) => ({ ...row, version, untilMs })))
        release()
        void this.wake()
      },
    }
  }

  #free(): number {
    return MAX_IN_FLIGHT - this.#count.send - this.#reserved
  }

  /** Room that nobody else gets, and that a drain waits for, until it is given free. */
  #hold(room: number): () => void {
    const held = Promise.withResolvers<void>()
    this.#reserved += room
    this.#running.add(held.promise)
    return () => {
      if (!this.#running.delete(held.promise)) return
      this.#reserved -= room
      held.resolve()
      if (this.#moreDue) void this.wake()
    }
  }

  /** Ends when everything taken up has its result written. */
  async drain(): Promise<void> {
    while (this.#pumping !== null || this.#running.size > 0) {
      await this.#pumping
      await Promise.allSettled(this.#running)
    }
    // Of a commit that was lost while we closed, nobody would look for it any more.
    await this.#giveBackUnsure()
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
    // Asked for while it failed.
    if (this.#again) void this.wake()
  }

  async #pumpDue(): Promise<void> {
    while (!this.#closed) {
      const free = this.#free()
      const forAll = free - KEPT_FOR_CRITICAL
      const limit = forAll > 0 ? forAll : free
      // Before asking: what becomes due meanwhile must not be forgotten.
      this.#moreDue = limit <= 0
      if (limit <= 0) return
      const asked = { limit, criticalOnly: forAll <= 0, claimMs: CLAIM_MS }
      const isFull = (await this.#sendDue(asked)) === limit
      this.#othersWait = isFull
      if (isFull || asked.criticalOnly) this.#moreDue = true
      if (!isFull) return
    }
  }

  /** @returns how many */
  async #sendDue(asked: { limit: number; criticalOnly: boolean; claimMs: number }): Promise<number> {
    this.#reserved += asked.limit
    try {
      const claimed = await this.#claim(() => this.#options.outbox.claimDue(asked))
      for (const message of claimed) this.#begin('send', message)
      this.#options.metrics.count('anlin_outbox_claims_total', claimed.length, { where: 'outbox' })
      return claimed.length
    } finally {
      this.#reserved -= asked.limit
    }
  }

  /**
   * A commit whose answer was lost may be written yet, as long as a statement may last: what it claims is looked for until
   * the claim has run out. Nothing of it was sent.
   */
  async #giveBackUnsure(): Promise<void> {
    const nowMs = this.#options.clock.monotonicMs()
    const unsure = this.#unsure.filter(({ untilMs }) => untilMs > nowMs)
    this.#unsure = unsure
    if (unsure.length === 0) return
    try {
      const given = new Set(await this.#options.outbox.giveBack(unsure))
      this.#unsure = this.#unsure.filter(({ outboxId }) => !given.has(outboxId))
    } catch (error) {
      this.#options.log.error({ code: codeOf(error) }, 'claims were not given back; the next sweep tries again')
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
