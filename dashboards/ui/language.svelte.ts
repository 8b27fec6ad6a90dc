import type { Language } from './api-types.ts'
import { localeOf } from './time.ts'

const STORAGE_KEY = 'anlin.language'

function stored(): Language | null {
  const value = localStorage.getItem(STORAGE_KEY)
  return value === 'zh' || value === 'en' ? value : null
}

function browsers(): Language {
  return navigator.language.toLowerCase().startsWith('en') ? 'en' : 'zh'
}

/** The page's language: what the person chose here, else the person's own, else the browser's. */
class PageLanguage {
  current = $state<Language>(stored() ?? browsers())

  choose(language: Language): void {
    localStorage.setItem(STORAGE_KEY, language)
    this.current = language
    this.mark()
  }

  /** The language of the person's account, unless another was chosen in this browser. */
  suggest(language: string): void {
    if (stored() === null && (language === 'zh' || language === 'en')) this.current = language
    this.mark()
  }

  mark(): void {
    document.documentElement.lang = localeOf[this.current]
  }
}

export const pageLanguage = new PageLanguage()
