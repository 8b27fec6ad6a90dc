import { zh as messages } from '../../core/message/catalogue-zh.ts'
import type { PageWords } from './words.ts'

export const zh: PageWords = {
  htmlLang: 'zh-CN',
  product: '安邻',
  link: {
    title: '求助信息',
    about: (home, kind, room) => `${home}${room === null ? '' : ` ${room}`}：${kind}`,
    kinds: messages.kinds,
    nobody: '目前还没有人处理。',
    button: '我来处理',
    youHave: '由您处理。请现在前往或致电。',
    has: (name) => `${name} 正在处理，谢谢。`,
    over: '已经结束，谢谢。',
    emergency: '紧急情况请拨打 120 或 119。',
    unknown: '此链接已失效或不正确。紧急情况请拨打 120 或 119。',
    failed: '没有登记成功，请再按一次，或直接回复短信。',
  },
  setup: {
    title: '建立第一位管理员',
    explain: '此链接只能使用一次，一小时内有效。',
    login: '登录名',
    name: '姓名',
    password: '密码（至少 10 个字符）',
    passwordAgain: '再输入一次密码',
    button: '建立',
    wrong: '请检查：登录名不能有空格，密码至少 10 个字符，两次输入须一致。',
    gone: '此链接已使用或已过期。重新启动平台可得到新的链接。',
  },
  start: {
    title: '安邻演示',
    family: '家属页面',
    familyHint: '用家属账号登录：家里的情况，以及“我来处理”。',
    desk: '值班台',
    deskHint: '用社工账号登录：所有未结束的求助。',
    phones: '手机模拟器',
    phonesHint: '看到平台发出的短信，并可回复。',
    tryTitle: '试一试',
    tries: [
      '在终端运行 npm run sim -- sos，按下第一户卫生间的求助按钮。',
      '在手机模拟器里看短信，回复 1 表示“我来处理”。',
      '看值班台和家属页面上谁在处理。登录名和密码在启动平台的终端里。',
    ],
    docs: '接口说明',
  },
  notBuilt: { title: '页面尚未生成', explain: '请在项目目录运行 npm ci，然后重新启动平台。' },
}
