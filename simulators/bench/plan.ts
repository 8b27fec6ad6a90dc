/** How long and how large each measurement is. The test runs a small one, the command the full one. */
export type Plan = {
  /** Of the brokers, who take turns. */
  rounds: number
  warmUpSeconds: number
  throughputSeconds: number
  aloneSeconds: number
  homes: number
  idlePresses: number
  loadedPresses: number
  stormPresses: number
  foldSeconds: number
  foldSteps: number
  backlogRows: number
  demoSettleSeconds: number
  idleConnections: number
  idleSettleSeconds: number
}

export const FULL: Plan = {
  rounds: 5,
  warmUpSeconds: 1,
  throughputSeconds: 3,
  aloneSeconds: 2,
  homes: 2_000,
  idlePresses: 200,
  loadedPresses: 200,
  stormPresses: 200,
  foldSeconds: 15,
  foldSteps: 5,
  backlogRows: 1_000_000,
  demoSettleSeconds: 60,
  idleConnections: 9_000,
  idleSettleSeconds: 5,
}

export const SLICE: Plan = {
  rounds: 1,
  warmUpSeconds: 0.2,
  throughputSeconds: 0.5,
  aloneSeconds: 0.3,
  homes: 60,
  idlePresses: 5,
  loadedPresses: 5,
  stormPresses: 20,
  foldSeconds: 1,
  foldSteps: 1,
  backlogRows: 5_000,
  demoSettleSeconds: 0,
  idleConnections: 200,
  idleSettleSeconds: 0.2,
}
