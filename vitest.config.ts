import { defineConfig } from 'vitest/config';
import { fuzzSeed } from './test/support/fuzz-seed.ts';

export default defineConfig({
  test: {
    pool: 'threads',
    isolate: false,
    sequence: { shuffle: true, seed: fuzzSeed() },
    setupFiles: ['test/support/seeded-properties.ts'],
    reporters: ['default'],
    // As `until` of test/support: what comes at once on a quiet machine may take long on a busy one.
    expect: { poll: { timeout: 100_000 } },
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['test/unit/**/*.test.ts'],
          // Time-outs tell hangs: what takes a second alone takes fifteen beside twenty others on two cores.
          testTimeout: 60_000,
        },
      },
      {
        extends: true,
        test: { name: 'property', include: ['test/property/**/*.test.ts'], testTimeout: 120_000 },
      },
      {
        extends: true,
        test: {
          name: 'integration',
          include: ['test/integration/**/*.test.ts'],
          // Tells a hang: longer than `until` waits for any one thing.
          testTimeout: 240_000,
          hookTimeout: 120_000,
          pool: 'forks',
          isolate: true,
        },
      },
      {
        extends: true,
        // Needs Debian packages, mounts or minutes: `npm run test:all`.
        test: {
          name: 'full',
          include: ['test/full/**/*.test.ts'],
          testTimeout: 900_000,
          hookTimeout: 120_000,
          pool: 'forks',
          isolate: true,
          fileParallelism: false,
        },
      },
      {
        extends: true,
        // Half an hour of simulation: `npm run test:long`.
        test: { name: 'long', include: ['test/long/**/*.test.ts'], testTimeout: 1_800_000, pool: 'forks' },
      },
    ],
  },
});
