/** The source of this page's words; `en.ts` must have every one of them. */
export const zh = {
  title: '安邻 · 家人',
  noHome: '您的账号还没有关联到任何家庭，请联系协调员',
  chooseHome: '选择家庭',
  levels: { high: '紧急', attention: '需要留意', unknown: '不清楚', well: '一切正常' },
  shapes: { high: '◆', attention: '▲', unknown: '○', well: '●' },
  wellEvidence: (room: string | null, clock: string, inBed: boolean) =>
    inBed ? `${clock} 躺在床上` : `${clock} 在${room ?? '家里'}有活动`,
  nothingRead: '还没有读到家里的情况',
  pageCut: '目前不清楚情况',
  noDevices: '家里还没有装设备，不清楚情况',
  neverHeard: '还没有收到过家里的消息，不清楚情况',
  homeSilent: (clock: string) => `家里的设备 ${clock} 起没有消息，目前不清楚情况`,
  devicesSilent: (lost: number, total: number) => `${total} 个设备里有 ${lost} 个没有消息，看不全家里的情况`,
  noSignOfLife: '还没有看到活动，不清楚情况',
  signTooOld: (clock: string) => `${clock} 以后没有看到活动，不清楚情况`,
  lastSign: (room: string | null, clock: string, inBed: boolean) =>
    inBed ? `最近一次：${clock} 躺在床上` : `最近一次活动：${clock}${room ? `，${room}` : ''}`,
  lastWord: (clock: string) => `最近一次消息：${clock}`,
  testMode: (clock: string) => `测试模式到 ${clock}：报警不会通知任何人`,
  take: '我来处理',
  otherHome: (name: string, what: string) => `${name}：${what}`,
  look: (name: string) => `去看${name}`,
  contacts: '联系人',
  call: (name: string) => `打电话给${name}`,
}

export type FamilyWords = typeof zh
