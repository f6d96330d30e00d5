import { defineConfig } from 'vitest/config'
import { NoSkips } from './test/torture/no-skips.js'

/** The long tests, `npm run torture`: those of the normal run that are asked for more, and those in test/torture. */
export default defineConfig({
  test: {
    include: [
      'test/torture/*.torture.ts',
      'test/crash/*.test.ts',
      'test/store/**/*.test.ts',
      'test/database/repair.test.ts',
      'test/collection/*.test.ts',
    ],
    env: { NOMSY_TORTURE: '1' },
    reporters: ['default', new NoSkips()],
    testTimeout: 3_600_000,
    hookTimeout: 60_000,
    pool: 'forks',
    // They time themselves and mount disks: one at a time.
    fileParallelism: false,
  },
})
