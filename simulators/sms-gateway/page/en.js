export const en = {
  title: 'SMS gateway simulator',
  otherLanguage: '中文',
  live: 'Live',
  lost: 'Connection lost: what is below is not current',
  empty: 'No messages yet. What the platform sends appears here.',
  replyLabel: 'Reply from this phone',
  reply: 'Reply',
  notSent: 'Not sent, please try again',
  status: { queued: 'queued', sent: 'sent', delivered: 'delivered', undelivered: 'not delivered', received: 'reply' },
}
