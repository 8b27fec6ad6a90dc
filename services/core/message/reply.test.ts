import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseReply, type Reply } from './reply.ts'
import { type ToldRow, whichIncident } from './which-incident.ts'

describe('what a responder wrote back', () => {
  it.each([
    ['1', { type: 'take', code: null }],
    ['2', { type: 'cannot', code: null }],
    ['1 37', { type: 'take', code: 37 }],
    ['2 99', { type: 'cannot', code: 99 }],
    ['137', { type: 'take', code: 37 }],
    ['  1   37 \n', { type: 'take', code: 37 }],
    ['1 19', { type: 'take', code: 19 }],
    ['1，37。', { type: 'take', code: 37 }],
    ['1-37', { type: 'take', code: 37 }],
    ['１　３７', { type: 'take', code: 37 }],
    ['２', { type: 'cannot', code: null }],
    ['“1 37”', { type: 'take', code: 37 }],
    ["'1'", { type: 'take', code: null }],
    ['「１」', { type: 'take', code: null }],
    ['ACK', { type: 'take', code: null }],
    ['ack 37!', { type: 'take', code: 37 }],
    ['1 37我来处理', { type: 'take', code: 37 }],
    ['回1 37我来处理', { type: 'take', code: 37 }],
    ['1 37 好的', { type: 'take', code: 37 }],
    ['137好的', { type: 'take', code: 37 }],
    ['回1 37', { type: 'take', code: 37 }],
    ['回复1 37，马上到！', { type: 'take', code: 37 }],
    ['1我来处理', { type: 'take', code: null }],
    ["Reply 1 37 = I'm on it", { type: 'take', code: 37 }],
    ['1 37 I’m on it', { type: 'take', code: 37 }],
    ['1 37 ok, thanks', { type: 'take', code: 37 }],
    ['2 37不能去', { type: 'cannot', code: 37 }],
    ['回2 37 去不了，抱歉', { type: 'cannot', code: 37 }],
    ["2 37 can't, sorry", { type: 'cannot', code: 37 }],
    ['STOP', { type: 'stop' }],
    ['Stop.', { type: 'stop' }],
    ['退订', { type: 'stop' }],
    ...['CANCEL', 'End', 'quit', 'REVOKE', 'OPTOUT', 'opt-out', 'UNSUBSCRIBE', 'StopAll', 'STOP ALL'].map(
      (word): [string, Reply] => [word, { type: 'stop' }],
    ),
  ])('%j', (text, reply) => {
    expect(parseReply(text)).toEqual(reply)
  })

  it.each([
    '',
    '3',
    '11',
    '1 7',
    '1 07',
    '1 337',
    '1 37 38',
    '119',
    '１２０',
    '37',
    '12345',
    'ok',
    '收到',
    '好的1',
    '1 37不能去',
    '2 37我来处理',
    '1 37我来处理，2 37不能去',
    "1 37 can't",
    '1 37 not now',
    '1 37 明天',
    '119 好的',
    '回119',
    '回',
    'acknowledge',
    'I can come at 1',
    'please stop calling',
    '1'.repeat(500),
  ])('takes nothing for %j', (text) => {
    expect(parseReply(text)).toEqual({ type: 'not-understood' })
  })

  it('never throws, and finds only codes from 10 to 99', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 100 }), (text) => {
        const reply = parseReply(text)
        if ('code' in reply && reply.code !== null) expect(reply.code >= 10 && reply.code <= 99).toBe(true)
      }),
    )
  })
})

const MINUTE = 60_000
const NOW = 10_000 * MINUTE

function row(incidentId: string, code: number, minutesAgo: number, status: ToldRow['status'] = 'open'): ToldRow {
  return { homeId: `home-of-${incidentId}`, incidentId, code, toldAt: NOW - minutesAgo * MINUTE, status }
}

describe('which incident a reply means', () => {
  const first = row('first', 37, 5)
  const second = row('second', 52, 10)

  it('a bare 1 means the only one told in the last half hour', () => {
    expect(whichIncident(null, [first], NOW)).toEqual({ type: 'incident', row: first })
    expect(whichIncident(null, [first, row('old', 52, 31)], NOW)).toEqual({ type: 'incident', row: first })
  })

  it('several messages about one incident are one incident', () => {
    expect(whichIncident(null, [row('first', 37, 15), first], NOW)).toEqual({ type: 'incident', row: first })
  })

  it('with two told, open or closed, nothing is taken and the codes are listed', () => {
    expect(whichIncident(null, [second, first], NOW)).toEqual({ type: 'ask', choices: [first, second] })
    const closed = row('second', 52, 10, 'resolved')
    expect(whichIncident(null, [first, closed], NOW)).toEqual({ type: 'ask', choices: [first, closed] })
  })

  it('after half an hour a bare 1 means nothing any more; what is still open is listed', () => {
    const open = row('open', 41, 45)
    expect(whichIncident(null, [open, row('closed', 42, 45, 'resolved')], NOW)).toEqual({
      type: 'ask',
      choices: [open],
    })
    expect(whichIncident(null, [row('closed', 42, 45, 'resolved')], NOW)).toEqual({ type: 'nothing-open' })
    expect(whichIncident(null, [], NOW)).toEqual({ type: 'nothing-open' })
  })

  it('a code decides, however long ago, and also for a closed incident', () => {
    expect(whichIncident(52, [first, second], NOW)).toEqual({ type: 'incident', row: second })
    const closed = row('closed', 61, 300, 'resolved')
    expect(whichIncident(61, [first, closed], NOW)).toEqual({ type: 'incident', row: closed })
  })

  it('a code given twice means the newer incident', () => {
    expect(whichIncident(37, [row('last week', 37, 9000, 'resolved'), first], NOW)).toMatchObject({ row: first })
  })

  it('a code of nobody here takes nothing, even when only one is open', () => {
    expect(whichIncident(11, [first], NOW)).toEqual({ type: 'ask', choices: [first] })
  })

  it('is judged as of its writing: what was told later cannot have been meant', () => {
    const asOf = NOW - 7 * MINUTE
    expect(whichIncident(null, [first, second], asOf)).toEqual({ type: 'incident', row: second })
  })

  it('forgives a provider that gives whole seconds', () => {
    const told = { ...first, toldAt: NOW + 900 }
    expect(whichIncident(null, [told], NOW)).toEqual({ type: 'incident', row: told })
  })
})
