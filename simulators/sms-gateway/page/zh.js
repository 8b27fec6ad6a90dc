export const zh = {
  title: '短信网关模拟器',
  otherLanguage: 'English',
  live: '实时',
  lost: '连接已断开，下面不是最新内容',
  empty: '还没有短信。平台发出的短信会显示在这里。',
  replyLabel: '以此手机回复',
  reply: '回复',
  notSent: '没有发出，请再试一次',
  status: { queued: '排队中', sent: '已发出', delivered: '已送达', undelivered: '未送达', received: '已回复' },
}
