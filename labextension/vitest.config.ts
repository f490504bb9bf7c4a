import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    environment: 'jsdom',
    include: ['src/**/__tests__/*.spec.{ts,tsx}'],
    setupFiles: ['src/__tests__/setup.ts'],
    restoreMocks: true,
    // JupyterLab's packages import styles and icons as a bundler does; only inlined code is transformed.
    server: { deps: { inline: [/@jupyterlab\//, /@jupyter\//] } },
    css: false
  }
});
