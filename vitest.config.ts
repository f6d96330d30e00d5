import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 120_000,
    hookTimeout: 60_000,
    pool: 'forks',
    // As many as there are cores; left out, vitest keeps one of them for itself.
    maxWorkers: availableParallelism(),
  },
})
