import { pageLanguage } from '../ui/language.svelte.ts'
import { en } from './texts/en.ts'
import { type DeskWords, zh } from './texts/zh.ts'

const catalogues = { zh, en }

/** This page's own words in its present language. */
export function deskWords(): DeskWords {
  return catalogues[pageLanguage.current]
}
