import type { Outcome, Severity } from '../api-types.ts'

const names: Record<string, string> = {
  sos: '紧急呼叫',
  smoke: '烟雾报警',
  gas: '燃气报警',
  co: '一氧化碳报警',
  'bed-exit': '夜里离床没有回来',
  vitals: '心率或呼吸异常',
  technical: '设备故障',
}

const reasons: Record<string, string> = {
  'sos-pressed': '按了求助按钮',
  'sos-pressed-late': '按了求助按钮（消息来晚了）',
  'smoke-alarm': '烟雾探测器报警',
  'gas-alarm': '燃气探测器报警',
  'gas-high': '燃气浓度高',
  'gas-raised': '燃气浓度升高',
  'co-alarm': '一氧化碳探测器报警',
  'bed-left': '夜里离开床，还没有回来',
  'heart-rate-low': '心率低',
  'heart-rate-high': '心率高',
  'respiration-low': '呼吸慢',
  'respiration-high': '呼吸快',
  'battery-low': '设备电量低',
  'battery-critical': '设备快没电了',
  'device-lost': '设备没有消息',
  'gateway-lost': '家里的网关没有消息',
  tamper: '设备被拆动',
  fault: '设备报告故障',
}

const events: Record<string, string> = {
  IncidentOpened: '发生',
  ConditionRaised: '再次报警',
  ConditionReturned: '信号恢复',
  ConditionCancelled: '在家里取消',
  StepStarted: '开始下一步通知',
  PersonTold: '通知',
  MessageDelivered: '消息已送达',
  MessageFailed: '消息没有送达',
  IncidentAcknowledged: '接手',
  ResponderJoined: '一起处理',
  ResponderArrived: '到达现场',
  NoteAdded: '备注',
  IncidentResolved: '结束',
}

const roles: Record<string, string> = {
  'family-keyholder': '家属（有钥匙）',
  family: '家属',
  neighbour: '邻居',
  'property-manager': '物业',
  'social-worker': '社工',
  coordinator: '协调员',
  admin: '管理员',
  installer: '安装员',
  auditor: '审计员',
  resident: '本人',
}

const deliveries: Record<string, string> = {
  pending: '等待发送',
  sending: '正在发送',
  accepted: '已发出',
  delivered: '已送达',
  failed: '没有送达',
  unknown: '不确定是否送达',
  replied: '已回复',
  answered: '已接听',
}

const severities: Record<Severity, string> = { critical: '紧急', warning: '需要留意', technical: '提示' }
const outcomes: Record<Outcome, string> = {
  real: '真有事',
  'false-alarm': '虚惊',
  test: '测试',
  drill: '演练',
  duplicate: '重复',
}

/** The source of the shared words; `en.ts` must have every one of them. */
export const zh = {
  product: '安邻',
  loading: '正在读取…',
  slow: '比平时慢，请稍等',
  signOut: '退出',
  skipToContent: '跳到正文',
  severities,
  outcomes,
  kind: (kind: string) => names[kind] ?? '警情',
  why: (code: string) => reasons[code] ?? null,
  event: (type: string) => events[type] ?? type,
  role: (role: string) => roles[role] ?? role,
  delivery: (status: string) => deliveries[status] ?? status,
  newMark: '未处理',
  aside: (text: string) => `（${text}）`,
  link: {
    connecting: '正在连接…',
    cutSince: (clock: string) => `连接中断，以下是 ${clock} 的情况`,
    neverConnected: '连不上平台，目前不清楚情况',
    reconnecting: '正在重连',
    yourTime: (clock: string) => `您当地 ${clock}`,
  },
  signIn: {
    title: '登录',
    again: '请重新登录',
    login: '用户名',
    password: '密码',
    submit: '登录',
    wrong: '用户名或密码不对',
    tooMany: '试得太多次了，请过一会儿再试',
    notDelivered: '没有送达，请再试一次',
    emergency: '紧急情况请直接拨打',
  },
  incident: {
    sending: '正在发送…',
    notDelivered: '没有送达，请直接打电话',
    refused: '平台没有接受，请再看一次情况',
    nobody: '还没有人接手',
    has: (name: string, role: string, clock: string) => `${name}（${role}）${clock} 接手`,
    byFamily: '家属已接手',
    alreadyTaken: (name: string, age: string) => `${name} ${age}已接手`,
    arrivedAt: (clock: string) => `${clock} 已到现场`,
    next: (who: string, left: string) => `${left}后通知${who}`,
    nextNow: (who: string) => `正在通知${who}`,
    nextUnnamed: '下一位',
    presses: (count: number) => `已按 ${count} 次`,
    returned: '信号已恢复，还需要有人确认',
    join: '一起处理',
    arrived: '我到了',
    close: '结束',
    call120: '拨打 120',
    callTaker: (name: string) => `打给${name}`,
    toldTitle: '已通知',
    toldNobody: '还没有通知任何人',
  },
  closing: {
    title: '结束这件事',
    outcome: '结果是什么？',
    note: '用一句话说明',
    seen: '已听到或见到本人',
    seenNeeded: '紧急情况要先听到或见到本人，才能结束',
    noteNeeded: '请写一句话',
    outcomeNeeded: '请选择结果',
    submit: '结束',
    cancel: '返回',
  },
}

export type Words = typeof zh
