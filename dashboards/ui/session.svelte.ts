import { readMe, signOut } from './api.ts'
import type { Me } from './api-types.ts'
import { pageLanguage } from './language.svelte.ts'

/** Asks again so soon when the platform could not be reached at the start. */
const RETRY_MS = 3_000

export type SessionState =
  | { phase: 'asking'; unreachable: boolean }
  | { phase: 'signed-out'; again: boolean }
  | { phase: 'signed-in'; me: Me }

/** Who is using the page. The address stays as it is, so signing in again leads back to the same place. */
export class Session {
  state = $state.raw<SessionState>({ phase: 'asking', unreachable: false })

  async ask(): Promise<void> {
    const answer = await readMe()
    if (answer.ok) {
      pageLanguage.suggest(answer.value.language)
      this.state = { phase: 'signed-in', me: answer.value }
    } else if (answer.failure.kind === 'signed-out') {
      this.state = { phase: 'signed-out', again: false }
    } else {
      this.state = { phase: 'asking', unreachable: true }
      setTimeout(() => void this.ask(), RETRY_MS)
    }
  }

  lost(): void {
    this.state = { phase: 'signed-out', again: true }
  }

  /** False when it was not delivered: the session is still there, and the page must not say otherwise. */
  async leave(): Promise<boolean> {
    const answer = await signOut()
    const left = answer.ok || answer.failure.kind === 'signed-out'
    if (left) this.state = { phase: 'signed-out', again: false }
    return left
  }
}
