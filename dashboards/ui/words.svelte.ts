import { pageLanguage } from './language.svelte.ts'
import { en } from './texts/en.ts'
import { type Words, zh } from './texts/zh.ts'

const catalogues = { zh, en }

/** The shared words in the page's present language. */
export function words(): Words {
  return catalogues[pageLanguage.current]
}
