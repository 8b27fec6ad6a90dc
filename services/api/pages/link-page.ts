import type { FastifyReply } from 'fastify'
import type { Responder } from '../../core/escalation/people.ts'
import type { IncidentView, Language } from '../../ports.ts'
import { type Html, html, sendPage, wordsOf } from './html.ts'

/** What the page behind the link in a message shows: no more than the message itself said, and works without a script. */

/** What a button of it says; without one it was the page's first button, "I have it". */
export const LINK_SAYINGS = ['take', 'still-on-it', 'arrived', 'cannot', 'real', 'false-alarm'] as const
type LinkSaying = (typeof LINK_SAYINGS)[number]

/** On the phone in whose hand the page is, one touch. */
const CALLS = html`<p class="calls"><a href="tel:120">120</a> <a href="tel:119">119</a></p>`

type LinkWords = ReturnType<typeof wordsOf>['link']

/** Nothing but what happened and whom to call: for whom we do not know, or cannot look up. */
export function sendNotice(
  reply: FastifyReply,
  { status, language, what }: { status: number; language: Language; what: 'unknown' | 'failed' | 'away' | 'tooMany' },
) {
  const words = wordsOf(language)
  const { link } = words
  return sendPage(
    reply,
    status,
    words,
    link.title,
    html`<p role="alert">${link[what]}</p>
${what === 'failed' || what === 'away' ? html`<p class="calls"><a href="">${link.again}</a></p>` : ''}
${what === 'unknown' ? '' : html`<p>${link.emergency}</p>`}
${CALLS}`,
  )
}

/** @param trouble why what was just pressed changed nothing; null when it did, or nothing was */
export function sendIncident(
  reply: FastifyReply,
  by: Responder,
  view: IncidentView,
  trouble: 'failed' | 'seenNeeded' | 'notYours' | null,
) {
  const words = wordsOf(by.language)
  const { link } = words
  const { incident, homeLabel } = view
  const about = link.about(homeLabel ?? '', link.kinds[incident.kind], incident.sources.at(-1)?.room ?? null)
  const status = { failed: 503, seenNeeded: 400, notYours: 409 }
  return sendPage(
    reply,
    trouble ? status[trouble] : 200,
    words,
    link.title,
    html`<p class="about">${about}</p>
${trouble ? html`<p role="alert">${link[trouble]}</p>` : ''}
${standing(view, by, link)}
<p>${link.emergency}</p>
${CALLS}`,
  )
}

function standing({ incident }: IncidentView, by: Responder, link: LinkWords): Html {
  const { status, takenBy, handOverTo, told } = incident
  const take = form(button('take', link.button))
  if (status === 'resolved') return html`<p role="status">${link.over}</p>`
  const hasDeclined = told.some(({ person, declinedInRound }) => person.ref === by.ref && declinedInRound !== null)
  if (!takenBy) return html`<p role="status">${hasDeclined ? link.declined : link.nobody}</p>${take}`
  if (takenBy.ref === by.ref) return ofTheTaker(incident, link)
  return html`<p role="status">${link.has(takenBy.name)}</p>${handOverTo === by.ref ? take : ''}`
}

/** Everything that a message asks of the taker: a neighbour with a key has no other page. */
function ofTheTaker({ due, arrivedAt }: IncidentView['incident'], link: LinkWords): Html {
  // A press after the arrival asks for another one.
  const isThere = arrivedAt !== null && due.arrive === null
  const seen = html`<label class="tick"><input type="checkbox" name="seen" value="yes" required>${link.seen}</label>`
  return html`<p role="status">${isThere ? link.youAreThere : link.youHave}</p>
${due.answer === null ? '' : form(button('still-on-it', link.stillOnIt))}
${isThere ? '' : form(button('arrived', link.arrived))}
${form(html`${seen}${button('real', link.overReal)}${button('false-alarm', link.overFalse)}`)}
${form(button('cannot', link.cannot, 'second'))}`
}

function form(content: Html): Html {
  return html`<form method="post">${content}</form>`
}

function button(saying: LinkSaying, label: string, look: 'main' | 'second' = 'main'): Html {
  return html`<button class="${look}" type="submit" name="say" value="${saying}">${label}</button>`
}
