import type { Log } from './ports.ts'

/** How long a clean end may take before we end all the same; a supervisor's own limit should be longer. */
const END_LIMIT_MS = 25_000
/** npm hands a Ctrl-C on to a program that has already had it: the same signal again so soon is an echo. */
const ECHO_MS = 2_000

export type Lifecycle = {
  /** Resources are released in the reverse order of their opening; each is tried, the first error is kept. */
  onEnd(name: string, release: () => Promise<void> | void): void
  /** Ends everything once, however often it is asked. Resolves to the exit code. */
  end(reason: string): Promise<number>
}

export function createLifecycle(log: Log): Lifecycle {
  const releases: { name: string; release: () => Promise<void> | void }[] = []
  let ending: Promise<number> | null = null
  async function releaseAll(reason: string): Promise<number> {
    log.info({ reason }, 'ending')
    let failed = false
    for (const { name, release } of releases.reverse()) {
      try {
        await release()
      } catch (err) {
        failed = true
        log.error({ resource: name, err }, 'could not end cleanly')
      }
    }
    return failed ? 1 : 0
  }
  return {
    onEnd: (name, release) => void releases.push({ name, release }),
    end(reason) {
      ending ??= releaseAll(reason)
      return ending
    },
  }
}

/** Ends on SIGINT and SIGTERM, with code 0 when everything could be released. A second signal, later, ends at once. */
export function endOnSignals(lifecycle: Lifecycle, log: Log & { flush(): void }): void {
  let firstAt: number | null = null
  const onSignal = (name: NodeJS.Signals) => {
    const now = performance.now()
    if (firstAt !== null) {
      if (now - firstAt > ECHO_MS) process.exit(1)
      return
    }
    firstAt = now
    setTimeout(() => {
      log.error({ limitMs: END_LIMIT_MS }, 'ending took too long')
      process.exit(1)
    }, END_LIMIT_MS).unref()
    void lifecycle.end(name).then((code) => {
      log.flush()
      process.exit(code)
    })
  }
  // Node would print the whole error, and the errors of a database hold rows. The log leaves them out.
  process.on('uncaughtException', (err) => {
    log.error({ err }, 'a fault that nobody caught ends the process')
    log.flush()
    process.exit(1)
  })
  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onSignal)
}
