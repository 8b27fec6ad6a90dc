/** Times are epoch ms by the machine's one clock. */
export type Pressed = { button: string; atMs: number; acknowledgedAt: number | null }
/** An incident, or an alarm's first message on the phone: of which button, and when. */
export type Came = { button: string; atMs: number }

/** A platform may hold its clock a little behind the machine's; presses of one button are further apart. */
const CLOCK_SLACK_MS = 100

/**
 * Press by press, of one home: what was acknowledged and has no incident or no alarm of its own is lost, each incident beyond a
 * press's first is doubled. Totals would let one hide the other.
 */
export function countPresses(presses: Pressed[], incidents: Came[], alarms: Came[]): { lost: number; doubled: number } {
  const opened = countOfEach(presses, incidents)
  const rang = countOfEach(presses, alarms)
  const isLost = ({ acknowledgedAt }: Pressed, at: number) =>
    acknowledgedAt !== null && (opened[at] === 0 || rang[at] === 0)
  const extra = opened.reduce((sum, count) => sum + Math.max(0, count - 1), 0)
  const ofNoPress = incidents.length - opened.reduce((sum, count) => sum + count, 0)
  return { lost: presses.filter(isLost).length, doubled: extra + ofNoPress }
}

/**
 * How often each press came. A thing belongs to the latest press of its button that began before it: the buttons of a home are
 * pressed in turn, so that what comes again while the next ones are pressed is still told from theirs.
 */
function countOfEach(presses: Pressed[], came: Came[]): number[] {
  const counts = presses.map(() => 0)
  for (const { button, atMs } of came) {
    const at = presses.findLastIndex((press) => press.button === button && press.atMs <= atMs + CLOCK_SLACK_MS)
    if (at >= 0) counts[at] = (counts[at] ?? 0) + 1
  }
  return counts
}
