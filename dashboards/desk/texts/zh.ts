/** The source of this page's words; `en.ts` must have every one of them. */
export const zh = {
  title: '安邻 · 值班台',
  queue: '未结束的警情',
  empty: (clock: string) => `现在没有未处理的警情（${clock} 核对）`,
  emptyTechnical: (clock: string) => `没有未处理的设备问题（${clock} 核对）；紧急警情不对您显示`,
  emptyCut: '连接中断，不知道有没有新的警情',
  live: '实时',
  cutSince: (clock: string) => `${clock} 起中断`,
  cut: '没有连接',
  untaken: (count: number) => `${count} 件没人接手`,
  silentHomes: (count: number) => `${count} 户没有消息`,
  testHomes: (count: number) => `${count} 户在测试模式，报警不会通知任何人`,
  silentSince: (clock: string) => `${clock} 起没有消息`,
  neverHeard: '还没有收到过消息',
  platform: '平台',
  take: '接手',
  back: '返回列表',
  notFound: '没有这件警情，或者您无权查看',
  note: '备注',
  addNote: '记下来',
  noteNeeded: '请先写备注',
  timeline: '经过',
  closed: (clock: string, outcome: string) => `${clock} 结束：${outcome}`,
  newCritical: (what: string, home: string) => `新的紧急警情：${what}，${home}`,
}

export type DeskWords = typeof zh
