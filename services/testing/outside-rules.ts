/**
 * What stands outside has the wires of what it stands for: a device has MQTT, a provider and a page have HTTP. So each npm
 * package that simulators and dashboards import is named here, with the only place that may import it and the reason.
 */
type Allowance = { name: string; under: string; why: string }

/** The lag is asked for five times a second, and bytes on disk are on no wire: only the bench, and only reading. */
export const LOG_READING = 'simulators/bench/log-reading.ts'

export const OUTSIDE_PACKAGES: Allowance[] = [
  { name: 'mqtt', under: 'simulators/', why: 'what devices speak' },
  {
    name: 'mqtt-packet',
    under: 'simulators/homes/raw-publisher.ts',
    why: 'frames for loads no client library can give',
  },
  { name: 'fastify', under: 'simulators/sms-gateway/', why: 'the provider is an HTTP server' },
  { name: '@fastify/formbody', under: 'simulators/sms-gateway/', why: "Twilio's requests are forms" },
  { name: 'aedes', under: 'simulators/bench/bare-aedes.ts', why: 'the bare broker that the entrance is compared with' },
  { name: 'pg', under: LOG_READING, why: 'no wire tells how far the readers of the log are behind at this moment' },
  { name: 'svelte', under: 'dashboards/', why: 'the pages' },
  { name: 'openapi-fetch', under: 'dashboards/ui/api.ts', why: 'the HTTP API, typed by its own description' },
  { name: 'vite', under: 'dashboards/', why: 'builds the pages' },
  { name: '@sveltejs/vite-plugin-svelte', under: 'dashboards/vite-app.ts', why: 'builds the pages' },
]

/** A package's name without the path inside it; null: a file of ours or a part of Node. */
export function packageOf(specifier: string): string | null {
  if (/^(\.|\/|node:)/.test(specifier)) return null
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')
}

export function isAllowedOutside(path: string, specifier: string): boolean {
  const name = packageOf(specifier)
  return name === null || OUTSIDE_PACKAGES.some((allowed) => allowed.name === name && path.startsWith(allowed.under))
}
