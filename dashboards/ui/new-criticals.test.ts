import { expect, it } from 'vitest'
import { anIncident } from '../testing/community.ts'
import { criticalAnnouncer } from './new-criticals.ts'

it('announces each new critical incident once, and nothing else', () => {
  const announce = criticalAnnouncer()
  const says = (...ids: string[]) => announce(ids.map((id) => anIncident({ id }))).map((incident) => incident.id)
  expect(says('there-from-the-start')).toEqual([])
  expect(says('there-from-the-start', 'new')).toEqual(['new'])
  expect(says('there-from-the-start', 'new')).toEqual([])
  expect(announce([anIncident({ id: 'warning', severity: 'warning' })])).toEqual([])
  expect(announce([anIncident({ id: 'already-taken', status: 'acknowledged' })])).toEqual([])
})
