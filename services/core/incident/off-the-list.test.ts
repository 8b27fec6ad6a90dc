import { describe, expect, it } from 'vitest'
import { beginStory, factsOfHome, person, worker } from './story.ts'

const daughter = person('contact:daughter', 'family-keyholder')
const son = person('contact:son', 'family')

/** The daughter is a contact until the story takes her off the list. */
function storyWithDaughter() {
  const story = beginStory(factsOfHome({ contacts: [daughter, son] }))
  story.raise()
  const takeOff = () => {
    story.facts.contacts = [son]
  }
  return { ...story, story, takeOff }
}

describe('a contact taken off the list while an incident is open', () => {
  it('hears nothing more of it: not the next press, not who has it, not how it ended', () => {
    const { story, takeOff } = storyWithDaughter()
    story.until(45)
    takeOff()
    story.until(110)
    story.raise()
    story.take(worker)
    story.fold({ type: 'Resolve', by: worker, outcome: 'real', note: null, personSeenOrHeard: true })
    story.expectSms(
      '0 s: alarm → contact:daughter',
      '45 s: alarm → contact:son',
      '90 s: alarm → worker',
      '110 s: alarm → contact:son',
      '110 s: taken → contact:son',
      '110 s: you-took → worker',
      '110 s: resolved → contact:son',
    )
  })

  it('is not somebody who shares a phone with another contact', () => {
    const { story } = storyWithDaughter()
    story.take(daughter)
    story.facts.contacts = [son]
    story.facts.sharingContacts = [daughter.ref]
    story.raise()
    story.expectSms(
      '0 s: alarm → contact:daughter',
      '0 s: you-took → contact:daughter',
      '0 s: re-alarm → contact:daughter',
    )
  })

  it('is not waited for when they had it: the next press, or the next question, goes to the others', () => {
    const pressed = storyWithDaughter()
    pressed.story.take(daughter)
    pressed.takeOff()
    pressed.story.raise()
    pressed.story.expectSms(
      '0 s: alarm → contact:daughter',
      '0 s: you-took → contact:daughter',
      '0 s: alarm → contact:son',
    )
    expect(pressed.story.events).toContainEqual(
      expect.objectContaining({ type: 'EscalationResumed', reason: 'no-longer-listed' }),
    )
    const asked = storyWithDaughter()
    asked.story.take(daughter)
    asked.takeOff()
    asked.story.until(600)
    asked.story.expectSms(
      '0 s: alarm → contact:daughter',
      '0 s: you-took → contact:daughter',
      '600 s: alarm → contact:son',
    )
  })
})
