import formbody from '@fastify/formbody'
import type { FastifyReply } from 'fastify'
import Type from 'typebox'
import { Value } from 'typebox/value'
import { ApiProblem } from '../errors.ts'
import { html, languageOf, sendPage, wordsOf } from '../pages/html.ts'
import { Text } from '../schemas.ts'
import type { Api, ApiDeps } from '../server-types.ts'
import { Login, Password } from './user-routes.ts'

const REQUESTS_PER_ADDRESS = 20
const WINDOW_MS = 60_000
const Params = Type.Object({ token: Type.String({ maxLength: 200 }) })
const Field = Type.Optional(Type.String({ maxLength: 500 }))
const Form = Type.Object({ login: Field, name: Field, password: Field, passwordAgain: Field })
const Admin = Type.Object({ login: Login, name: Text, password: Password })

/** The one-time link that the first start in production prints: who holds it makes the first administrator. */
export async function setupRoutes(app: Api, deps: ApiDeps): Promise<void> {
  const { setup } = deps.store
  await app.register(formbody)
  const limit = app.createRateLimit({ max: REQUESTS_PER_ADDRESS, timeWindow: WINDOW_MS })
  app.addHook('onRequest', async (request) => {
    const { isAllowed, ...use } = await limit(request)
    if (!isAllowed && 'isExceeded' in use && use.isExceeded) throw new ApiProblem('too-many-requests')
  })
  const tags = ['setup']
  app.get(
    '/setup/:token',
    { schema: { tags, summary: 'Form for the first administrator', params: Params, response: { 200: Type.String() } } },
    async (request, reply) => {
      const words = wordsOf(languageOf(request.headers['accept-language']))
      if (!(await setup.isOpen(request.params.token))) return sendGone(reply, words)
      return sendForm(reply, words, false)
    },
  )
  app.post(
    '/setup/:token',
    {
      schema: {
        tags,
        summary: 'Make the first administrator',
        params: Params,
        consumes: ['application/x-www-form-urlencoded'],
        body: Form,
        response: { 303: Type.Null() },
      },
    },
    async (request, reply) => {
      const language = languageOf(request.headers['accept-language'])
      const words = wordsOf(language)
      const { passwordAgain, ...admin } = request.body
      if (!(await setup.isOpen(request.params.token))) return sendGone(reply, words)
      if (!Value.Check(Admin, admin) || admin.password !== passwordAgain) return sendForm(reply, words, true)
      if (!(await setup.use(request.params.token, { ...admin, language }))) return sendGone(reply, words)
      return reply.redirect('/desk/', 303)
    },
  )
}

type Words = ReturnType<typeof wordsOf>

function sendGone(reply: FastifyReply, words: Words) {
  return sendPage(reply, 404, words, words.setup.title, html`<p>${words.setup.gone}</p>`)
}

function sendForm(reply: FastifyReply, words: Words, wrong: boolean) {
  const { setup } = words
  return sendPage(
    reply,
    wrong ? 400 : 200,
    words,
    setup.title,
    html`<p>${setup.explain}</p>
${wrong ? html`<p role="alert">${setup.wrong}</p>` : ''}
<form method="post">
<label>${setup.login}<input name="login" autocomplete="username" required maxlength="64"></label>
<label>${setup.name}<input name="name" autocomplete="name" required maxlength="200"></label>
<label>${setup.password}<input name="password" type="password" autocomplete="new-password" required minlength="10" maxlength="200"></label>
<label>${setup.passwordAgain}<input name="passwordAgain" type="password" autocomplete="new-password" required minlength="10" maxlength="200"></label>
<button type="submit">${setup.button}</button>
</form>`,
  )
}
