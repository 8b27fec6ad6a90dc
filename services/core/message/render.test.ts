import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { INCIDENT_KINDS, SEVERITIES, WHY_CODES } from '../signal.ts'
import type { Message, MessageOf } from './message.ts'
import { renderMessage } from './render.ts'
import { countSegments } from './segments.ts'

const LINK = 'https://anlin.example/a/0123456789abcdefghijklmnopqrstuv'

function alarm(changes: Partial<MessageOf<'alarm'>> = {}): Message {
  return {
    purpose: 'alarm',
    home: '3号楼2单元502',
    kind: 'sos',
    severity: 'critical',
    why: { code: 'sos-pressed', values: {} },
    room: '卫生间',
    ageMin: 0,
    waitingMin: 0,
    presses: 1,
    returned: false,
    takenBefore: null,
    ...changes,
  }
}

const inChinese = (message: Message, link: string | null = null) =>
  renderMessage(message, { language: 'zh', code: 37, link })
const inEnglish = (message: Message, link: string | null = null) =>
  renderMessage(message, { language: 'en', code: 37, link })

describe('the texts', () => {
  it('say first what matters: where, what, and how to answer', () => {
    expect(inChinese(alarm())).toBe('紧急！3号楼2单元502 卫生间 按了求助按钮。回1 37我来处理，回2 37不能去')
    expect(inEnglish(alarm({ home: 'Block 3, 502', room: 'bathroom' }))).toBe(
      "EMERGENCY Block 3, 502 bathroom: help button. Reply 1 37 = I'm on it, 2 37 = can't",
    )
  })

  it('tell how old a late press is, how often it was pressed, and for how long nobody has come', () => {
    const late = alarm({ why: { code: 'sos-pressed-late', values: {} }, ageMin: 35, presses: 3, waitingMin: 10 })
    expect(inChinese(late)).toContain('按过求助按钮，35分钟前，共3次，10分钟无人接手')
    expect(inEnglish(late)).toContain('help button, 35 min ago, 3 times, 10 min untaken')
  })

  it.each(['smoke', 'gas', 'co'] as const)('say call 119 for %s', (kind) => {
    const why = { code: `${kind}-alarm`, values: {} } as const
    for (const text of [inChinese(alarm({ kind, why }), LINK), inEnglish(alarm({ kind, why }), LINK)]) {
      expect(text).toContain('119')
    }
  })

  it('call a reading a reading, never a diagnosis', () => {
    const low = alarm({ kind: 'vitals', severity: 'warning', why: { code: 'heart-rate-low', values: { perMin: 38 } } })
    expect(inChinese(low)).toContain('心率读数偏低(38次/分)。请去看看，非诊断')
    expect(inEnglish(low)).toContain('heart reading low 38/min. Look in; no diagnosis')
  })

  it('end with the link where there is room, and go without it where there is not', () => {
    expect(inChinese(alarm(), LINK)).toMatch(new RegExp(`${LINK}$`))
    const long = `${LINK}${LINK}${LINK}`
    expect(inChinese(alarm(), long)).toBe(inChinese(alarm()))
  })

  it('shorten a long label with an ellipsis, in English with three dots', () => {
    const home = '阳光花园社区第十二网格三号楼二单元五层五零二室东侧门进左转'.repeat(2)
    const text = inChinese(alarm({ home, takenBefore: '王敏' }), LINK)
    expect(text).toContain('…')
    expect(text).toContain('回1 37我来处理')
    const english = inEnglish(alarm({ home: 'Sunshine Garden Community Building Twelve Entrance Three', room: null }))
    expect(english).toContain('...')
    expect(english).not.toContain('…')
  })

  it('never cut a character in two', () => {
    const text = inChinese(alarm({ home: '👨‍👩‍👧'.repeat(30) }))
    expect(text.isWellFormed()).toBe(true)
    expect(text).not.toContain('\u200d…')
  })

  it('list the codes when it is not clear which one is meant', () => {
    const choices = [
      { code: 37, home: '3号楼502', kind: 'sos' as const },
      { code: 52, home: '5号楼101', kind: 'smoke' as const },
    ]
    expect(inChinese({ purpose: 'which-one', choices })).toBe(
      '请带编号回复，没有替您接手：1 37=3号楼502 求助；1 52=5号楼101 烟雾报警',
    )
  })
})

const label = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 60 }),
  fc.constantFrom('3号楼2单元502', 'Block 3 / 502', '[€{}^~\\|]'.repeat(8), '阳光花园'.repeat(20)),
)
const about = { home: label, kind: fc.constantFrom(...INCIDENT_KINDS) }
const minutes = fc.integer({ min: 0, max: 9999 })
const outcome = fc.constantFrom(
  'real' as const,
  'false-alarm' as const,
  'test' as const,
  'drill' as const,
  'duplicate' as const,
)
const why = fc.record({
  code: fc.constantFrom(...WHY_CODES),
  values: fc.constantFrom({}, { perMin: 131, percent: 99.5, minutes: 1234, seconds: 60, presses: 12 }),
})
const only = <P extends string>(purpose: P) => fc.constant(purpose)

const anyMessage: fc.Arbitrary<Message> = fc.oneof(
  fc.record({
    ...about,
    purpose: only('alarm'),
    severity: fc.constantFrom(...SEVERITIES),
    why,
    room: fc.option(label),
    ageMin: minutes,
    waitingMin: minutes,
    presses: fc.integer({ min: 1, max: 999 }),
    returned: fc.boolean(),
    takenBefore: fc.option(label),
  }),
  fc.record({
    ...about,
    purpose: only('re-alarm'),
    why,
    room: fc.option(label),
    presses: fc.nat(999),
    arriveWithinS: fc.nat(600),
  }),
  fc.record({ ...about, purpose: only('you-took'), askAfterMin: minutes }),
  fc.record({ ...about, purpose: fc.constantFrom('taken' as const, 'already-taken' as const), by: label }),
  fc.record({ ...about, purpose: only('already-resolved'), outcome }),
  fc.record({ ...about, purpose: only('still-on-it'), takenMin: minutes, answerWithinMin: minutes }),
  fc.record({ ...about, purpose: only('hand-over'), from: label }),
  fc.record({
    ...about,
    purpose: fc.constantFrom('cannot-noted' as const, 'cancelled' as const, 'cancelled-you-decide' as const),
  }),
  fc.record({ ...about, purpose: only('resolved'), outcome, by: label }),
  fc.record({
    purpose: only('which-one'),
    choices: fc.array(fc.record({ ...about, code: fc.integer({ min: 10, max: 99 }) }), { minLength: 1, maxLength: 12 }),
  }),
  fc.record({ purpose: fc.constantFrom('nothing-open' as const, 'not-understood' as const) }),
  fc.record({ purpose: only('not-listed'), handled: fc.boolean() }),
  fc.record({ purpose: only('responder-stopped'), name: label }),
  fc.record({ purpose: only('contact-test'), home: label }),
)

describe('laws of every text', () => {
  const rendered = fc.record({
    message: anyMessage,
    language: fc.constantFrom('zh' as const, 'en' as const),
    code: fc.option(fc.integer({ min: 10, max: 99 })),
    link: fc.option(fc.constant(LINK)),
  })

  it('fits into two segments', () => {
    fc.assert(
      fc.property(rendered, ({ message, ...options }) => {
        expect(countSegments(renderMessage(message, options))).toBeLessThanOrEqual(2)
      }),
      { numRuns: 3000 },
    )
  })

  it('shows the code and the emergency number, however long the labels are', () => {
    fc.assert(
      fc.property(rendered, ({ message, ...options }) => {
        const text = renderMessage(message, options)
        if (message.purpose !== 'alarm') return
        if (options.code !== null) expect(text).toContain(`1 ${options.code}`)
        if (['smoke', 'gas', 'co'].includes(message.kind)) expect(text).toContain('119')
      }),
      { numRuns: 1000 },
    )
  })
})

describe('segments', () => {
  it.each([
    ['a'.repeat(160), 1],
    ['a'.repeat(161), 2],
    ['a'.repeat(306), 2],
    ['a'.repeat(307), 3],
    ['€'.repeat(80), 1],
    ['€'.repeat(81), 2],
    [`${'a'.repeat(152)}${'€'.repeat(76)}`, 2],
    [`${'a'.repeat(152)}${'€'.repeat(77)}`, 3],
    ['安'.repeat(70), 1],
    ['安'.repeat(71), 2],
    ['安'.repeat(134), 2],
    ['安'.repeat(135), 3],
    [`${'安'.repeat(66)}${'𠮷'.repeat(34)}`, 3],
    [`${'a'.repeat(100)}…`, 2],
  ])('%s', (text, segments) => {
    expect(countSegments(text)).toBe(segments)
  })
})
