/** One thing that happens in the home, at an offset from the scenario's start. */
export type Step = { offsetMs: number; kind: string } & (
  | { does: 'event' | 'telemetry' | 'status'; body: object }
  /** The device's connection ends without a word, as when its plug is pulled. */
  | { does: 'cut' }
)

export type Scenario = {
  name: string
  explain: { en: string; zh: string }
  /** How much faster than life it is sent when nobody says otherwise. At 1 each message's `at` is now. */
  defaultSpeed: number
  /** False where silence itself is the message: the platform's own clock decides, which nobody can hurry. */
  canHurry: boolean
  /** In minutes since midnight, community time, where a hurried scenario is laid into the past; null: it ends now. */
  startsAtMinute: number | null
  /** Whether an incident must follow that the home's lamp shows. */
  lampMustAnswer: boolean
  /**
   * The kind of device that a hurried play hangs up for itself: the home's own goes on saying what is newer, beside which
   * last night would be old news. null: it plays what hangs there.
   */
  ownDevice: string | null
  /** `all`: the whole home is off the air meanwhile. `played`: only the devices played here are silent otherwise. */
  holds: 'none' | 'played' | 'all'
  /** Pure: the same seed and start give the same steps, in order. */
  build(seed: number, startMinute: number): Step[]
}
