import { createServer, type Server } from 'node:http'

export type TestApi = { server: Server; url: string; requests: string[]; most: number }

/** The platform's API as a client meets it on the wire: a session cookie, homes, devices with their logins. */
export async function startApi(): Promise<TestApi> {
  const api: TestApi = { server: createServer(), url: '', requests: [], most: 0 }
  let now = 0
  api.server.on('request', (request, response) => {
    now += 1
    api.most = Math.max(api.most, now)
    const path = request.url ?? ''
    api.requests.push(path)
    const isSession = path === '/api/v1/session'
    const isAllowed = isSession || request.headers.cookie === 'session=1'
    request.resume().on('end', () => {
      now -= 1
      response.writeHead(isAllowed ? 200 : 401, isSession ? { 'set-cookie': 'session=1; HttpOnly' } : {})
      const secret = { username: `user-${api.requests.length}`, password: 'right' }
      response.end(JSON.stringify(path.endsWith('/devices') ? secret : {}))
    })
  })
  await new Promise<void>((resolve) => api.server.listen(0, '127.0.0.1', resolve))
  const address = api.server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  api.url = `http://127.0.0.1:${address.port}`
  return api
}
