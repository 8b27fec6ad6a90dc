import { pageLanguage } from '../ui/language.svelte.ts'
import { en } from './texts/en.ts'
import { type FamilyWords, zh } from './texts/zh.ts'

const catalogues = { zh, en }

/** This page's own words in its present language. */
export function familyWords(): FamilyWords {
  return catalogues[pageLanguage.current]
}
