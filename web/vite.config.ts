import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';

// Where `npm run dev` finds the APIs.
const api = process.env.SAMOVAR_URL ?? 'http://127.0.0.1:7788';

// No inlined asset and no inline script, as the Content-Security-Policy of
// web.go demands; relative addresses, so that the pages work under any prefix.
export default defineConfig({
  base: './',
  plugins: [svelte()],
  build: {
    target: 'es2022',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 600, // kB: three.js, which only the picture of the robot loads
  },
  worker: { format: 'es' },
  server: { proxy: { '/v1': api, '/api': api, '/health': api } },
  test: { include: ['src/**/*.test.ts'] },
});
