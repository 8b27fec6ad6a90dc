import { existsSync } from 'node:fs'
import { join } from 'node:path'
import fastifyStatic from '@fastify/static'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { html, languageOf, PAGES_CSS, sendPage, wordsOf } from '../pages/html.ts'
import type { Api, ApiDeps } from '../server-types.ts'

const APPS = ['family', 'desk'] as const
type App = (typeof APPS)[number]

/** Files in `assets/` carry a hash of their content in their name: the same name is for ever the same file. */
const HASHED = 'public, max-age=31536000, immutable'
/** The page itself names them, so it is asked for anew each time. */
const ASKED_ANEW = 'no-cache'
const hide = { schema: { hide: true } }

export async function pageRoutes(app: Api, deps: ApiDeps): Promise<void> {
  app.get('/pages.css', hide, async (_request, reply) => reply.type('text/css; charset=utf-8').send(PAGES_CSS))
  app.get('/', hide, async (request, reply) =>
    deps.demo ? sendStart(request, reply, deps.demo) : reply.redirect('/desk/'),
  )
  for (const name of APPS) {
    app.get(`/${name}`, hide, async (_request, reply) => reply.redirect(`/${name}/`))
    const root = join(deps.pagesFolder, name)
    if (existsSync(join(root, 'index.html'))) await app.register(async (scope: Api) => serveApp(scope, name, root))
    else {
      app.get(`/${name}/*`, hide, async (request, reply) => sendNotBuilt(request, reply))
      app.get(`/${name}/`, hide, async (request, reply) => sendNotBuilt(request, reply))
    }
  }
}

async function serveApp(app: Api, name: App, root: string): Promise<void> {
  await app.register(fastifyStatic, {
    root,
    prefix: `/${name}/`,
    // Set here, by what a file is called.
    cacheControl: false,
    setHeaders: (reply, path) => {
      const hashed = path.startsWith(join(root, 'assets'))
      reply.setHeader('cache-control', hashed ? HASHED : ASKED_ANEW)
    },
  })
  // An address inside the page that somebody reloads or sends on: the page finds its own way.
  if (name === 'desk') app.get('/desk/i/:id', hide, async (_request, reply) => reply.sendFile('index.html'))
}

function sendNotBuilt(request: FastifyRequest, reply: FastifyReply) {
  const words = wordsOf(languageOf(request.headers['accept-language']))
  return sendPage(reply, 503, words, words.notBuilt.title, html`<p>${words.notBuilt.explain}</p>`)
}

function sendStart(request: FastifyRequest, reply: FastifyReply, demo: { smsGatewayUrl: string }) {
  const words = wordsOf(languageOf(request.headers['accept-language']))
  const { start } = words
  return sendPage(
    reply,
    200,
    words,
    start.title,
    html`<ul>
<li><a href="/family/">${start.family}</a>: ${start.familyHint}</li>
<li><a href="/desk/">${start.desk}</a>: ${start.deskHint}</li>
<li><a href="${demo.smsGatewayUrl}">${start.phones}</a>: ${start.phonesHint}</li>
</ul>
<h2>${start.tryTitle}</h2>
<ol>
${start.tries.map((line) => html`<li>${line}</li>`)}
</ol>
<p><a href="/docs">${start.docs}</a></p>`,
  )
}
