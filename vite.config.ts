import { fileURLToPath } from 'node:url'
import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

const root = fileURLToPath(new URL('./src/web', import.meta.url))

/** The web UI: built to dist/web, which the server serves. `npm run dev:web` shows it with the API of a server on port 5000. */
export default defineConfig({
  root,
  base: './', // every URL is relative to <base href>, which the server sets to its base path
  plugins: [react()],
  build: {
    outDir: fileURLToPath(new URL('./dist/web', import.meta.url)),
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: {
      output: {
        // What changes with our pages apart from what changes with a dependency, so that an update keeps most of the cache.
        codeSplitting: {
          groups: [
            { name: 'react', test: /node_modules[\\/](react|react-dom|scheduler)[\\/]/, priority: 3 },
            {
              name: 'tanstack',
              test: /node_modules[\\/]@tanstack[\\/](react-router|router-core|history|react-query|query-core|react-store|store)[\\/]/,
              priority: 2,
            },
            { name: 'table', test: /node_modules[\\/]@tanstack[\\/]/, priority: 1 },
            {
              name: 'mantine',
              test: /node_modules[\\/](@mantine|@floating-ui|clsx|react-remove-scroll|react-number-format)/,
              priority: 1,
            },
          ],
        },
      },
    },
  },
  server: {
    port: 5173,
    // The Host that the browser sent goes along: the server refuses changes whose Origin is another.
    proxy: Object.fromEntries(
      // Not our own sources in src/web/api/.
      ['^/api/(?!.*\\.ts(\\?|$))', '/mlflow/', '^/endpoints/'].map((path) => [
        path,
        { target: 'http://127.0.0.1:5000', changeOrigin: false },
      ]),
    ),
  },
})
