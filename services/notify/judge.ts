import type { Responder } from '../core/escalation/people.ts'
import type { Language, Message } from '../core/message/message.ts'
import { renderMessage } from '../core/message/render.ts'
import { parseReply, type Reply } from '../core/message/reply.ts'
import { CLOCK_SLACK_MS, whichIncident } from '../core/message/which-incident.ts'
import type { DirectMessage, IncomingSms, PhoneOwner, ToldPhone } from '../ports.ts'
import type { NotifyOptions } from './notify.ts'

/** Behind alarms and warnings. */
const ANSWER_PRIORITY = 2
const STOP_PRIORITY = 1
/** A reply is judged as of when it was written; the provider's clock has whole seconds and may differ by as much. */
const CLOCK_DIFFERENCE_MS = 2_000
/** A message to nobody's home is the platform's. */
const PLATFORM_HOME = '-'

type TakeOrCannot = Extract<Reply, { type: 'take' | 'cannot' }>

/** `verdict` is stored and counted; the answers are those that no incident's fold writes. */
export type Judged = { verdict: string; answers: DirectMessage[] }

/** Whose phone it is, which incident is meant, and what came of it. */
export async function judge(options: NotifyOptions, message: IncomingSms, receivedAtMs: number): Promise<Judged> {
  const { incoming } = options
  const asOfMs = asOf(message, receivedAtMs)
  const [owners, told] = await Promise.all([
    incoming.owners(message.from),
    incoming.toldRows(message.from, asOfMs + CLOCK_SLACK_MS),
  ])
  const reply = parseReply(message.body)
  if (owners.length === 0 && told.length === 0) return { verdict: 'unknown-number', answers: [] }
  const language = owners[0]?.language ?? 'zh'
  switch (reply.type) {
    case 'stop':
      return { verdict: 'stop', answers: await alertSupervisors(options, message, owners) }
    case 'not-understood':
      return answered('not-understood', message, told, { purpose: 'not-understood' }, language)
    case 'take':
    case 'cannot':
      return answer(options, message, reply, told, asOfMs, language)
  }
}

async function answer(
  options: NotifyOptions,
  message: IncomingSms,
  reply: TakeOrCannot,
  told: ToldPhone[],
  asOfMs: number,
  language: Language,
): Promise<Judged> {
  const which = whichIncident(reply.code, told, asOfMs)
  switch (which.type) {
    case 'nothing-open':
      return answered('nothing-open', message, told, { purpose: 'nothing-open' }, language)
    case 'ask': {
      const choices = which.choices.map(({ homeLabel, kind, code }) => ({ home: homeLabel, kind, code }))
      return answered('which-one', message, told, { purpose: 'which-one', choices }, language)
    }
    case 'incident': {
      const { homeId, incidentId, recipient } = which.row
      const listed = await options.people.findResponder(homeId, recipient)
      const by = listed ?? (await options.people.findFormer(homeId, recipient))
      if (!by) return { verdict: 'responder-gone', answers: [] }
      const input = inputFor(reply, by, listed !== null)
      const verdict = await options.submit(homeId, incidentId, input, { origin: `sms:${message.providerId}` })
      options.log.info({ homeId, incidentId, reply: reply.type, verdict: verdict.type }, 'a reply was folded')
      // The fold itself writes what this person is told: it knows who has the incident.
      if (verdict.type !== 'notListed') return { verdict: `${reply.type}-${verdict.type}`, answers: [] }
      const { handled } = verdict
      return answered('not-listed', message, [which.row], { purpose: 'not-listed', handled }, by.language)
    }
  }
}

/** Who is on the list no longer takes nothing; that they cannot come is as good from them as from anybody. */
function inputFor(reply: TakeOrCannot, by: Responder, isListed: boolean) {
  if (reply.type === 'cannot') return { type: 'CannotCome' as const, by, via: 'sms' as const }
  return isListed ? { type: 'Acknowledge' as const, by, via: 'sms' as const } : { type: 'UnlistedTake' as const, by }
}

/** Whoever said STOP can be told nothing any more: the coordinators of each home concerned must know. */
async function alertSupervisors(
  options: NotifyOptions,
  message: IncomingSms,
  owners: PhoneOwner[],
): Promise<DirectMessage[]> {
  const alerts: DirectMessage[] = []
  const told = new Set<string>()
  for (const { homeId, supervisedAt, ref, name } of owners) {
    const { facts } = await options.people.readHome(supervisedAt ?? PLATFORM_HOME)
    for (const supervisor of facts.supervisors) {
      // One who keeps the keys of two homes has still one phone, and their own news reaches nobody on it.
      const news = JSON.stringify([supervisor.ref, name])
      if (supervisor.ref === ref || told.has(news)) continue
      told.add(news)
      alerts.push({
        homeId: homeId ?? PLATFORM_HOME,
        outboxId: `stop.${message.providerId}.${alerts.length + 1}`,
        recipient: supervisor.ref,
        purpose: 'responder-stopped',
        priority: STOP_PRIORITY,
        body: render({ purpose: 'responder-stopped', name }, supervisor.language),
        phone: null,
      })
    }
  }
  return alerts
}

function asOf({ sentAtMs }: IncomingSms, receivedAtMs: number): number {
  return sentAtMs === null ? receivedAtMs : Math.min(receivedAtMs, sentAtMs + CLOCK_DIFFERENCE_MS)
}

function answered(
  verdict: string,
  message: IncomingSms,
  told: ToldPhone[],
  answer: Message,
  language: Language,
): Judged {
  const direct: DirectMessage = {
    homeId: told[0]?.homeId ?? PLATFORM_HOME,
    outboxId: `reply.${message.providerId}`,
    recipient: told[0]?.recipient ?? 'phone',
    purpose: answer.purpose,
    priority: ANSWER_PRIORITY,
    body: render(answer, language),
    phone: message.from,
  }
  return { verdict, answers: [direct] }
}

function render(message: Message, language: Language): string {
  return renderMessage(message, { language, code: null, link: null })
}
