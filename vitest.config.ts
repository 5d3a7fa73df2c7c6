import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    pool: 'threads',
    isolate: false,
    sequence: { shuffle: true },
    reporters: ['default'],
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['test/unit/**/*.test.ts', 'test/property/**/*.test.ts'],
          testTimeout: 10_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'integration',
          include: ['test/integration/**/*.test.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
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
          // Thousands of seeds: `npm run drills`.
          exclude: ['test/full/swim/**'],
          testTimeout: 600_000,
          hookTimeout: 120_000,
          pool: 'forks',
          isolate: true,
          fileParallelism: false,
        },
      },
      {
        extends: true,
        // Half an hour of floods and kills against a real mosquitto: `npm run drills`.
        test: {
          name: 'drills',
          include: ['test/drills/**/*.test.ts', 'test/full/swim/**/*.test.ts'],
          testTimeout: 900_000,
          hookTimeout: 120_000,
          pool: 'forks',
          isolate: true,
          fileParallelism: false,
        },
      },
    ],
  },
});
