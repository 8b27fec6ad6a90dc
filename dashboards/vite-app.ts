import { fileURLToPath } from 'node:url'
import { svelte } from '@sveltejs/vite-plugin-svelte'
import type { UserConfig } from 'vite'

/**
 * How both pages are built. Everything lands in hashed files of our own origin, because the pages are served with a
 * Content-Security-Policy that allows nothing inline.
 */
export function appConfig(app: 'family' | 'desk'): UserConfig {
  return {
    root: fileURLToPath(new URL(app, import.meta.url)),
    base: `/${app}/`,
    plugins: [
      svelte({
        configFile: false,
        compilerOptions: { runes: true },
        // The compiler finds accessibility faults: a page with one is not built.
        onwarn(warning) {
          throw new Error(`${warning.code}: ${warning.message} (${warning.filename ?? app})`)
        },
      }),
    ],
    build: {
      outDir: fileURLToPath(new URL(`dist/${app}`, import.meta.url)),
      emptyOutDir: true,
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
    },
    server: { proxy: { '/api': 'http://127.0.0.1:8080' } },
  }
}
