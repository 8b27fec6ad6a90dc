const BASE = '/desk/'

function incidentIn(path: string): string | null {
  const match = /^\/desk\/i\/([^/]+)\/?$/.exec(path)
  return match?.[1] ? decodeURIComponent(match[1]) : null
}

/** Which incident the address names; null is the list. */
class Route {
  incidentId = $state<string | null>(incidentIn(location.pathname))

  constructor() {
    addEventListener('popstate', () => {
      this.incidentId = incidentIn(location.pathname)
    })
  }

  go(incidentId: string | null): void {
    history.pushState(null, '', incidentId === null ? BASE : addressOf(incidentId))
    this.incidentId = incidentId
  }
}

export function addressOf(incidentId: string): string {
  return `${BASE}i/${encodeURIComponent(incidentId)}`
}

/** True for a plain click, which stays on this page; anything else (new tab, download) is the browser's. */
export function isPlainClick(event: MouseEvent): boolean {
  return event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey
}

export const route = new Route()
