import type { Demo, DemoHome } from '../homes/demo-file.ts'
import { placeDevice, signIn } from '../homes/platform-api.ts'
import type { Scenario } from './scenario.ts'

/** The home as the scenario is to find it, and what undoes it. */
type Prepared = { home: DemoHome; takeDown(): Promise<void> }

/**
 * Hangs up the device that a hurried scenario needs for itself. In homes whose accounts alone are known nobody else speaks for
 * their devices, so there the home's own will do.
 */
export async function hangUpOwnDevice(
  scenario: Scenario,
  demo: Demo,
  home: DemoHome,
  speed: number,
): Promise<Prepared> {
  const { ownDevice: kind } = scenario
  if (kind === null || speed === 1 || demo.users.length === 0) return { home, takeDown: async () => undefined }
  const api = await signIn(demo)
  // Never one that hung there before: whatever knew it would know what it said.
  const id = `${scenario.name}-${Date.now().toString(36)}`
  const device = await placeDevice(api, home.id, { id, kind })
  return {
    home: { ...home, devices: home.devices.map((known) => (known.kind === kind ? device : known)) },
    async takeDown() {
      await api(`/homes/${home.id}/devices/${id}/revoke`, {})
    },
  }
}
