import { expect, it } from 'vitest'
import { anIncident } from '../testing/community.ts'
import type { Incident } from './api-types.ts'
import { LiveStore } from './live-store.ts'

const nothing = { homes: [], details: null }
const statuses = (store: LiveStore) => store.snapshot()?.incidents.map(({ id, status }) => `${id} ${status}`)

function storeWith(...incidents: Incident[]): LiveStore {
  const store = new LiveStore()
  store.readingStarted()
  store.readingEnded({ ...nothing, incidents })
  return store
}

it('takes in what the stream says and lets go of what is resolved', () => {
  const store = storeWith(anIncident({ id: 'a' }))
  store.put(anIncident({ id: 'b' }))
  store.put(anIncident({ id: 'a', status: 'resolved' }))
  expect(statuses(store)).toEqual(['b open'])
})

it('keeps what arrived while it was reading, for the read may be older', () => {
  const store = storeWith()
  store.readingStarted()
  store.put(anIncident({ id: 'a', status: 'acknowledged' }))
  store.put(anIncident({ id: 'b', status: 'resolved' }))
  store.readingEnded({ ...nothing, incidents: [anIncident({ id: 'a' }), anIncident({ id: 'b' })] })
  expect(statuses(store)).toEqual(['a acknowledged'])
})

it('keeps the old facts when a read fails, and forgets what a newer read no longer has', () => {
  const store = storeWith(anIncident({ id: 'a' }))
  store.readingStarted()
  store.readingEnded(null)
  expect(statuses(store)).toEqual(['a open'])
  store.readingStarted()
  store.readingEnded({ ...nothing, incidents: [] })
  expect(statuses(store)).toEqual([])
})

it('does not let an answer overwrite what the stream said while it was on its way', () => {
  const store = storeWith(anIncident({ id: 'a' }), anIncident({ id: 'b' }))
  const askedAt = store.moment()
  store.put(anIncident({ id: 'a', status: 'resolved' }))
  expect(store.answered(anIncident({ id: 'a', status: 'acknowledged' }), askedAt)).toBe(false)
  expect(store.answered(anIncident({ id: 'b', status: 'acknowledged' }), askedAt)).toBe(true)
  expect(statuses(store)).toEqual(['b acknowledged'])
})
