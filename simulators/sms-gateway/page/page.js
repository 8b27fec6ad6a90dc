import { en } from '/en.js'
import { zh } from '/zh.js'

const POLL_MS = 1000
const POLL_TIMEOUT_MS = 3000
/** Older messages stay in the gateway and out of the page. */
const SHOWN_MESSAGES_PER_PHONE = 50
const SHOWN_SINCE = new Date(Date.now() - 24 * 3_600_000).toISOString()

let texts = navigator.language.startsWith('zh') ? zh : en
let messages = []
let shownEtag = null
const sections = new Map()

function show() {
  document.documentElement.lang = texts === zh ? 'zh' : 'en'
  document.title = texts.title
  element('title').textContent = texts.title
  element('language').textContent = texts.otherLanguage
  element('empty').textContent = texts.empty
  element('empty').hidden = messages.length > 0
  for (const [number, ofPhone] of Map.groupBy(messages, phoneOf)) {
    showPhone(sections.get(number) ?? addPhone(number), ofPhone.slice(-SHOWN_MESSAGES_PER_PHONE))
  }
}

function showPhone(section, ofPhone) {
  const list = section.querySelector('ol')
  const atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 40
  list.replaceChildren(...ofPhone.map(messageItem))
  if (atEnd) list.scrollTop = list.scrollHeight
  section.querySelector('input').setAttribute('aria-label', texts.replyLabel)
  section.querySelector('input').placeholder = texts.replyLabel
  section.querySelector('form button').textContent = texts.reply
}

function messageItem(message) {
  const item = document.createElement('li')
  item.className = message.direction
  item.textContent = message.body
  const note = document.createElement('small')
  note.textContent = `${new Date(message.at).toLocaleTimeString()} · ${texts.status[message.status]}`
  item.append(note)
  return item
}

function addPhone(number) {
  const section = element('phone').content.cloneNode(true).firstElementChild
  section.querySelector('h2').textContent = number
  section.querySelector('form').addEventListener('submit', (event) => {
    event.preventDefault()
    reply(number, section.querySelector('input'))
  })
  element('phones').append(section)
  sections.set(number, section)
  return section
}

async function reply(number, input) {
  try {
    const response = await fetch(`/phones/${encodeURIComponent(number)}/messages`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ body: input.value }),
    })
    if (!response.ok) throw new Error(`status ${response.status}`)
    input.value = ''
    await poll()
  } catch {
    input.setCustomValidity(texts.notSent)
    input.reportValidity()
    input.setCustomValidity('')
  }
}

async function poll() {
  try {
    const response = await fetch(`/messages?since=${SHOWN_SINCE}`, {
      cache: 'no-cache',
      signal: AbortSignal.timeout(POLL_TIMEOUT_MS),
    })
    if (!response.ok) throw new Error(`status ${response.status}`)
    const etag = response.headers.get('etag')
    if (etag !== shownEtag) {
      messages = await response.json()
      shownEtag = etag
      show()
    }
    showConnection(true)
  } catch {
    showConnection(false)
  }
}

function showConnection(live) {
  element('connection').textContent = live ? texts.live : texts.lost
  element('connection').className = live ? '' : 'lost'
}

function phoneOf(message) {
  return message.direction === 'inbound' ? message.from : message.to
}

function element(id) {
  return document.getElementById(id)
}

element('language').addEventListener('click', () => {
  texts = texts === zh ? en : zh
  show()
  poll()
})

async function pollForEver() {
  await poll()
  setTimeout(pollForEver, POLL_MS)
}

show()
pollForEver()
