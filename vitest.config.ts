import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'

/** Tests that replace modules, which is for the whole of a process. */
const ALONE = [
  'test/blob/reads-under-way.test.ts',
  'test/hash/sha256.test.ts',
  'test/store/segment/block-packer.test.ts',
]

export default defineConfig({
  test: {
    testTimeout: 120_000,
    hookTimeout: 60_000,
    pool: 'forks',
    // As many as there are cores; left out, vitest keeps one of them for itself.
    maxWorkers: availableParallelism(),
    projects: [
      // Sharing a process, they load the sources once.
      {
        extends: true,
        test: { name: 'all', include: ['test/**/*.test.ts'], exclude: ALONE, isolate: false },
      },
      { extends: true, test: { name: 'alone', include: ALONE } },
    ],
  },
})
