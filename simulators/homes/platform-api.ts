import type { Demo, DeviceAccount } from './demo-file.ts'

const REQUEST_WITHIN_MS = 30_000

class PlatformApiError extends Error {
  readonly code = 'platform-api'
}

/** A POST to the platform's HTTP API by somebody who is signed in; what it answers. @throws where it refuses */
export type PlatformApi = (path: string, body: object) => Promise<Record<string, unknown>>

/** Signs in as the administrator of `demo.json`; the session is a cookie. */
export async function signIn(demo: Demo): Promise<PlatformApi> {
  const admin = demo.users.find((user) => user.role === 'admin')
  if (!admin) throw new PlatformApiError('demo.json has no admin; say --accounts FILE')
  let cookie = ''
  const post: PlatformApi = async (path, body) => {
    const response = await fetch(`${demo.http}/api/v1${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-anlin-csrf': '1', ...(cookie ? { cookie } : {}) },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(REQUEST_WITHIN_MS),
    })
    const text = await response.text()
    if (!response.ok) throw new PlatformApiError(`POST /api/v1${path}: ${response.status} ${text.slice(0, 300)}`)
    cookie ||= response.headers
      .getSetCookie()
      .map((one) => one.split(';', 1)[0])
      .join('; ')
    return text === '' ? {} : (JSON.parse(text) as Record<string, unknown>)
  }
  await post('/session', { login: admin.login, password: admin.password })
  return post
}

/** Hangs a device into a home; with its login at the broker. */
export async function placeDevice(
  api: PlatformApi,
  homeId: string,
  device: { id: string; kind: string; gatewayId?: string },
): Promise<DeviceAccount> {
  const { username, password } = await api(`/homes/${homeId}/devices`, device)
  if (typeof username !== 'string' || typeof password !== 'string') {
    throw new PlatformApiError(`POST /api/v1/homes/${homeId}/devices answered no username and password`)
  }
  return { ...device, username, password }
}
