type Lane<T> = { running: Promise<T>; next: Promise<T> | null }

export type Lanes<T> = {
  /** Never two at once with one key; those asked for meanwhile fall together into one that begins after it. */
  enter(key: string): Promise<T>
  /** Ends when everything asked for so far has ended. */
  drain(): Promise<void>
}

/** Runs `work` for keys side by side, at most `max` at once; who comes later waits in order. */
export function createLanes<T>(max: number, work: (key: string) => Promise<T>): Lanes<T> {
  const lanes = new Map<string, Lane<T>>()
  const turns = createTurns(max)

  function enter(key: string): Promise<T> {
    const lane = lanes.get(key)
    if (!lane) return begin(key)
    const begins = () => begin(key)
    lane.next ??= lane.running.then(begins, begins)
    return lane.next
  }

  function begin(key: string): Promise<T> {
    const lane: Lane<T> = { running: inTurn(key), next: null }
    lanes.set(key, lane)
    const leave = () => {
      if (lanes.get(key) === lane && lane.next === null) lanes.delete(key)
    }
    lane.running.then(leave, leave)
    return lane.running
  }

  async function inTurn(key: string): Promise<T> {
    const giveBack = await turns.take()
    try {
      return await work(key)
    } finally {
      giveBack()
    }
  }

  return {
    enter,
    async drain() {
      while (lanes.size > 0) await Promise.allSettled([...lanes.values()].map((lane) => lane.next ?? lane.running))
    },
  }
}

function createTurns(max: number): { take(): Promise<() => void> } {
  let taken = 0
  const waiting: (() => void)[] = []
  const giveBack = () => {
    const next = waiting.shift()
    if (next) next()
    else taken -= 1
  }
  return {
    async take() {
      if (taken < max) taken += 1
      else await new Promise<void>((resolve) => waiting.push(resolve))
      return giveBack
    },
  }
}

/** Works on all of them, in order, at most `atOnce` at a time. @throws what `work` throws first */
export async function eachInTurn<T>(
  items: readonly T[],
  atOnce: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const waiting = [...items]
  const workInTurn = async () => {
    for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) await work(item)
  }
  await Promise.all(Array.from({ length: atOnce }, workInTurn))
}
