import Type from 'typebox'
import { renderMessage } from '../../core/message/render.ts'
import type { ContactView } from '../../ports.ts'
import { ApiProblem } from '../errors.ts'
import { Contact, ContactIn, ContactParams, ContactPatch, HomeParams, listOf } from '../schemas.ts'
import type { Api, ApiDeps } from '../server-types.ts'
import { scopeFor } from '../session.ts'

const TestSent = Type.Object({ messageId: Type.String() })
const tags = ['contacts']

export function contactRoutes(app: Api, deps: ApiDeps): void {
  const { contacts } = deps.store
  app.get(
    '/homes/:id/contacts',
    {
      schema: { tags, summary: 'Who is told, in order', params: HomeParams, response: { 200: listOf(Contact) } },
      config: { right: 'read-contacts' },
    },
    async (request) => {
      const list = await contacts.list(scopeFor(request), request.params.id)
      if (!list) throw new ApiProblem('not-found')
      return { items: list.map(contactJson), nextCursor: null }
    },
  )
  app.post(
    '/homes/:id/contacts',
    {
      schema: { tags, summary: 'Add a contact', params: HomeParams, body: ContactIn, response: { 201: Contact } },
      config: { right: 'change-contacts' },
    },
    async (request, reply) => {
      const { language = 'zh', position = 0, ...rest } = request.body
      const made = await contacts.create(scopeFor(request), request.params.id, { language, position, ...rest })
      if (made === null) throw new ApiProblem('not-found')
      if (made === 'too-many') throw new ApiProblem(made)
      return reply.code(201).send(contactJson(made))
    },
  )
  app.patch(
    '/homes/:id/contacts/:contactId',
    {
      schema: {
        tags,
        summary: 'Change a contact; `removed: true` takes it off the list',
        params: ContactParams,
        body: ContactPatch,
        response: { 200: Contact },
      },
      config: { right: 'change-contacts' },
    },
    async (request) => {
      const { id, contactId } = request.params
      const changed = await contacts.change(scopeFor(request), id, contactId, request.body)
      if (!changed) throw new ApiProblem('not-found')
      return contactJson(changed)
    },
  )
  testRoute(app, deps)
}

function testRoute(app: Api, deps: ApiDeps): void {
  app.post(
    '/homes/:id/contacts/:contactId/test',
    {
      schema: {
        tags,
        summary: 'Send a test message to this phone, at most once a minute',
        params: ContactParams,
        response: { 202: TestSent },
      },
      config: { right: 'test-contacts' },
    },
    async (request, reply) => {
      const { id, contactId } = request.params
      const sent = await deps.store.contacts.test(scopeFor(request), id, contactId, ({ homeLabel, language }) =>
        renderMessage({ purpose: 'contact-test', home: homeLabel }, { language, code: null, link: null }),
      )
      if (sent === null) throw new ApiProblem('not-found')
      if (sent === 'too-soon') throw new ApiProblem(sent)
      deps.hints.hint('outbox', '')
      return reply.code(202).send({ messageId: sent.outboxId })
    },
  )
}

function contactJson({ contactId, ...contact }: ContactView) {
  return { id: contactId, ...contact }
}
