import type { IncidentKind, Severity, WhyCode } from '../signal.ts'
import type { MessageOf, MessagePurpose, Outcome } from './message.ts'

/** The source of all texts. Another language has exactly these keys and arguments, or it does not compile. */

/**
 * `some` leaves out what is good to know, `bare` also how often and how long; the place, the danger, its age, the
 * emergency number and the reply always stay.
 */
export type Detail = 'full' | 'some' | 'bare'
export type Wording = { code: number | null; detail: Detail }

export type WhyValues = Record<string, string | number>
type Texts = { [P in MessagePurpose]: (message: MessageOf<P>, wording: Wording) => string }

const kinds: Record<IncidentKind, string> = {
  sos: '求助',
  smoke: '烟雾报警',
  gas: '燃气报警',
  co: '一氧化碳报警',
  fall: '跌倒传感器报警',
  leak: '漏水',
  'bed-exit': '夜间离床',
  vitals: '睡眠监测提醒',
  technical: '设备问题',
}

const severities: Record<Severity, string> = { critical: '紧急！', warning: '请留意：', technical: '提示：' }

const outcomes: Record<Outcome, string> = {
  real: '真有事，已处理',
  'false-alarm': '虚惊',
  test: '测试',
  drill: '演练',
  duplicate: '重复',
}

/** What to do before anything else. A gas alarm must not be answered with a light switch. */
const advice: Record<IncidentKind, string> = {
  sos: '',
  smoke: '请拨119。',
  gas: '勿动电器开关，请拨119。',
  co: '开窗撤离，请拨119。',
  fall: '请马上去看看。',
  leak: '',
  'bed-exit': '',
  vitals: '请去看看，非诊断。',
  technical: '',
}

const whys: Record<WhyCode, (values: WhyValues) => string> = {
  'sos-pressed': () => '按了求助按钮',
  'sos-pressed-late': () => '按过求助按钮',
  'smoke-alarm': () => '烟雾报警',
  'gas-alarm': () => '燃气报警',
  'gas-high': ({ percent }) => `燃气浓度高${inBrackets(percent, '%LEL')}`,
  'gas-raised': ({ percent }) => `燃气浓度偏高${inBrackets(percent, '%LEL')}`,
  'co-alarm': () => '一氧化碳报警',
  'fall-alarm': () => '跌倒传感器报警，可能跌倒',
  'leak-alarm': () => '漏水传感器遇水',
  'bed-left': ({ minutes }) => `夜里离床${minutes === undefined ? '' : `${minutes}分钟`}未回`,
  'heart-rate-low': ({ perMin }) => `心率读数偏低${inBrackets(perMin, '次/分')}`,
  'heart-rate-high': ({ perMin }) => `心率读数偏高${inBrackets(perMin, '次/分')}`,
  'respiration-low': ({ perMin }) => `呼吸读数偏低${inBrackets(perMin, '次/分')}`,
  'respiration-high': ({ perMin }) => `呼吸读数偏高${inBrackets(perMin, '次/分')}`,
  'battery-low': ({ percent }) => `电池电量低${inBrackets(percent, '%')}`,
  'battery-critical': ({ percent }) => `电池快用完${inBrackets(percent, '%')}`,
  'device-lost': () => '设备失联',
  'gateway-lost': () => '网关失联，家中设备无消息',
  tamper: () => '设备被拆动',
  fault: () => '设备故障',
  'clock-jumped': ({ gapSeconds }) => `系统时钟跳变${inBrackets(gapSeconds, '秒')}`,
}

function inBrackets(value: string | number | undefined, unit: string): string {
  return value === undefined ? '' : `(${value}${unit})`
}

function place({ home, room }: { home: string; room: string | null }): string {
  return room === null ? home : `${home} ${room}`
}

function what({ home, kind }: { home: string; kind: IncidentKind }): string {
  return `${home} ${kinds[kind]}`
}

function replyWith(verb: 1 | 2, code: number | null): string {
  return code === null ? `回${verb}` : `回${verb} ${code}`
}

const messages = {
  alarm: (m, { code, detail }) => {
    const details = [
      whys[m.why.code](m.why.values),
      m.ageMin > 0 ? `${m.ageMin}分钟前` : '',
      m.presses > 1 ? `共${m.presses}次` : '',
      m.waitingMin > 0 ? `${m.waitingMin}分钟无人接手` : '',
      m.returned && detail === 'full' ? '现已解除但无人查看' : '',
      m.takenBefore !== null && detail === 'full' ? `${m.takenBefore}接手后无回音` : '',
    ]
    const said = details.filter((part) => part !== '').join('，')
    const reply = `${replyWith(1, code)}我来处理，${replyWith(2, code)}不能去`
    return `${severities[m.severity]}${place(m)} ${said}。${advice[m.kind]}${reply}`
  },
  're-alarm': (m) => {
    const deadline = m.arriveWithinS > 0 ? `请${m.arriveWithinS}秒内点“到达”，否则通知他人` : '请查看'
    return `又有警报！${place(m)} ${whys[m.why.code](m.why.values)}，共${m.presses}次。${advice[m.kind]}由您接手，${deadline}`
  },
  'you-took': (m, { code, detail }) => {
    const later = m.askAfterMin > 0 ? `${m.askAfterMin}分钟后再问您。` : ''
    const next = detail !== 'full' ? '请马上联系或上门。' : '请马上联系或上门，到达、结束请在页面上点。'
    return `您已接手：${what(m)}。${advice[m.kind]}${next}${later}去不了${replyWith(2, code)}`
  },
  taken: (m) => `${m.by}已接手：${what(m)}。请保持电话畅通`,
  'already-taken': (m) => `${m.by}已经接手：${what(m)}。谢谢`,
  'already-resolved': (m) => `已经结束：${what(m)}（${outcomes[m.outcome]}）。谢谢`,
  'still-on-it': (m, { code }) =>
    `还在处理吗？${what(m)}，已${m.takenMin}分钟。在处理请${replyWith(1, code)}；${m.answerWithinMin}分钟内无回复将通知他人`,
  'hand-over': (m, { code }) =>
    `${m.from}请您接手：${what(m)}。${advice[m.kind]}${replyWith(1, code)}我来处理，${replyWith(2, code)}不能去`,
  'cannot-noted': (m) => `知道了，您不能去：${what(m)}。我们继续找人`,
  cancelled: (m) => `已取消：${what(m)}，在原设备上取消，不用去了`,
  'cancelled-you-decide': (m) => `${what(m)}，已在原设备上取消。由您接手，请确认人没事后在页面上结束`,
  resolved: (m) => `已结束：${what(m)}，${outcomes[m.outcome]}（${m.by}）`,
  'which-one': (m) => `请带编号回复，没有替您接手：${m.choices.map((one) => `1 ${one.code}=${what(one)}`).join('；')}`,
  'nothing-open': () => '现在没有等您处理的事。有急事请拨120或119',
  'not-understood': () => '没看懂。我来处理回1加编号，不能去回2加编号，编号在短信里',
  'not-listed': (m) => `您已不在名单上，没有由您接手；${m.handled ? '已有他人处理' : '正在通知其他人'}`,
  'responder-stopped': (m) => `${m.name}的手机退订了，收不到通知，请另安排人。用该手机回START可恢复`,
  'contact-test': (m) => `测试：安邻给${m.home}联系人的短信，收到即可，不用回复`,
} satisfies Texts

export const zh = { kinds, outcomes, messages: messages satisfies Texts as Texts }
