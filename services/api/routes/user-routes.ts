import Type, { type Static } from 'typebox'
import type { UserRefused, UserView } from '../../ports.ts'
import { ApiProblem } from '../errors.ts'
import {
  Language,
  listOf,
  nullable,
  oneOf,
  PAGE_DEFAULT,
  PageQuery,
  Phone,
  strict,
  Text,
  UserParams,
} from '../schemas.ts'
import type { Api, ApiDeps } from '../server-types.ts'
import { scopeFor } from '../session.ts'

const Role = oneOf(['admin', 'coordinator', 'social-worker', 'family', 'resident', 'installer', 'auditor'] as const)
/** NIST SP 800-63B: length counts, composition rules do not. */
export const Password = Type.String({ minLength: 10, maxLength: 200 })
export const Login = Type.String({ minLength: 1, maxLength: 64, pattern: '^[^\\s\\u0000]+$' })

const Membership = Type.Object(
  {
    homeId: Text,
    contactId: Type.Optional(nullable(Text)),
  },
  { ...strict, description: '`contactId` ties who signs in to who is phoned' },
)
const Fields = {
  name: Text,
  password: Password,
  role: Role,
  phone: nullable(Phone),
  language: Language,
  onCall: Type.Boolean(),
  homes: Type.Array(Membership, { maxItems: 200 }),
  gridCells: Type.Array(Text, { maxItems: 200 }),
}
const Optional = Type.Partial(Type.Object(Fields)).properties
const UserIn = Type.Object({ ...Optional, login: Login, name: Text, password: Password, role: Role }, strict)
const UserPatch = Type.Object({ ...Optional, disabled: Type.Optional(Type.Boolean()) }, strict)
const User = Type.Object({
  id: Type.String(),
  login: Type.String(),
  name: Type.String(),
  role: Role,
  language: Language,
  phone: nullable(Type.String()),
  onCall: Type.Boolean(),
  disabled: Type.Boolean(),
  homes: Type.Array(Type.Object({ homeId: Type.String(), contactId: nullable(Type.String()) })),
  gridCells: Type.Array(Type.String()),
})
const tags = ['users']

export function userRoutes(app: Api, deps: ApiDeps): void {
  const { users } = deps.store
  app.get(
    '/users',
    {
      schema: {
        tags,
        summary: 'Who may sign in',
        querystring: Type.Object(PageQuery),
        response: { 200: listOf(User) },
      },
      config: { right: 'read-users' },
    },
    async (request) => {
      const { limit, cursor } = request.query
      const page = await users.list(scopeFor(request), { limit: limit ?? PAGE_DEFAULT, cursor: cursor ?? null })
      return { items: page.items.map(userJson), nextCursor: page.nextCursor }
    },
  )
  app.post(
    '/users',
    {
      schema: { tags, summary: 'Add a user', body: UserIn, response: { 201: User } },
      config: { right: 'change-users' },
    },
    async (request, reply) => {
      const { language = 'zh', phone = null, onCall = false, gridCells = [], homes, ...rest } = request.body
      const asked = { ...rest, language, phone, onCall, gridCells, homes: memberships(homes ?? []) }
      return reply.code(201).send(userJson(accepted(await users.create(scopeFor(request), asked))))
    },
  )
  app.patch(
    '/users/:id',
    {
      schema: {
        tags,
        summary: 'Change a user; a new role or password, or `disabled`, ends the sessions',
        params: UserParams,
        body: UserPatch,
        response: { 200: User },
      },
      config: { right: 'change-users' },
    },
    async (request) => {
      const { homes, ...rest } = request.body
      const change = { ...rest, homes: homes && memberships(homes) }
      return userJson(accepted(await users.change(scopeFor(request), request.params.id, change)))
    },
  )
}

function memberships(homes: Static<typeof Membership>[]): UserView['homes'] {
  return homes.map(({ homeId, contactId = null }) => ({ homeId, contactId }))
}

function accepted(answer: UserView | UserRefused): UserView {
  if (typeof answer !== 'string') return answer
  switch (answer) {
    case 'no-such-user':
      throw new ApiProblem('not-found')
    case 'login-taken':
      throw new ApiProblem(answer, { field: 'login' })
    case 'unknown-membership':
    case 'membership-twice':
    case 'last-admin':
      throw new ApiProblem(answer)
  }
}

function userJson({ userId, ...user }: UserView) {
  return { id: userId, ...user }
}
