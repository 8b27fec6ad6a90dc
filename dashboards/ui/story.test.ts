import { expect, it } from 'vitest'
import { storyLine } from './story.ts'
import { en } from './texts/en.ts'
import { zh } from './texts/zh.ts'

const entry = (type: string, body: Record<string, unknown>) => ({ seq: 1, at: '2026-11-23T02:11:09Z', type, body })
const fang = { ref: 'contact:1', name: '王芳', role: 'family' }
const min = { ref: 'user:2', name: '王敏', role: 'social-worker' }

it('tells each step in words, in both languages', () => {
  const told = entry('Told', { target: 'keyholder', round: 1, people: [fang], unreachable: [min] })
  expect(storyLine(told, zh)).toBe('已通知 · 有钥匙的家属 · 王芳 · 联系不上 王敏')
  expect(storyLine(told, en)).toBe('Told · family with a key · 王芳 · 王敏 cannot be reached')
  expect(storyLine(entry('Taken', { by: min, via: 'sms' }), zh)).toBe('接手 · 王敏')
  expect(storyLine(entry('HandedOver', { from: min, to: fang }), en)).toBe('Handed over · 王敏 · → 王芳')
  expect(storyLine(entry('StepSkipped', { target: 'on-call', round: 1, reason: 'nobody-assigned' }), en)).toBe(
    'Step skipped · social worker on call · nobody assigned',
  )
  expect(storyLine(entry('Resolved', { outcome: 'false-alarm', by: min, note: '按错了' }), zh)).toBe(
    '结束 · 王敏 · 虚惊 · 按错了',
  )
})

it('shows an entry it does not know by its name rather than hiding it', () => {
  expect(storyLine(entry('SomethingNew', { by: null, people: 'x', outcome: 7 }), zh)).toBe('SomethingNew')
})
