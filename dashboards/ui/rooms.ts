import type { Language } from './api-types.ts'

const rooms: Record<string, Record<Language, string>> = {
  bathroom: { zh: '卫生间', en: 'bathroom' },
  bedroom: { zh: '卧室', en: 'bedroom' },
  'living-room': { zh: '客厅', en: 'living room' },
  kitchen: { zh: '厨房', en: 'kitchen' },
  hall: { zh: '门厅', en: 'hall' },
  entrance: { zh: '门口', en: 'entrance' },
  balcony: { zh: '阳台', en: 'balcony' },
}

/** Well-known rooms in the page's language, any other as the installer wrote it. */
export function roomText(room: string | null, language: Language): string | null {
  return room === null ? null : (rooms[room]?.[language] ?? room)
}
