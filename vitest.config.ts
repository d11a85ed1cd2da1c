import { defineConfig } from 'vitest/config'

/**
 * What needs no database runs once, and so does the packed package; everything else runs on the embedded database and
 * again on a real PostgreSQL where test/run.ts has started one.
 */
const postgres = process.env.LIMN_TEST_POSTGRES
const withDatabase = ['test/{integration,e2e,faults}/**/*.test.ts']

/** LIMN_TEST_REPEAT=10 runs each test ten times and prints how often it passed. */
const times = Number(process.env.LIMN_TEST_REPEAT ?? 1)

const project = (name: string, include: string[], more: object = {}) => ({
  extends: true as const,
  test: { name, include, ...more },
})

export default defineConfig({
  resolve: {
    // Vite would take graphql's .mjs build for our sources while packages load the CommonJS one: two graphqls.
    alias: [
      { find: /^graphql$/, replacement: new URL('node_modules/graphql/index.js', import.meta.url).pathname },
    ],
  },
  test: {
    projects: [
      project('unit', ['test/unit/**/*.test.ts']),
      project('package', ['test/package/**/*.test.ts']),
      project('embedded', withDatabase),
      ...(postgres
        ? [
            project('postgres', withDatabase, {
              env: { LIMN_TEST_DATABASE_URL: postgres },
              exclude: ['test/integration/prisma/embedded.test.ts'],
            }),
          ]
        : []),
    ],
    repeats: times - 1,
    reporters: times > 1 ? ['default', './test/support/attempts-reporter.ts'] : ['default'],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    pool: 'forks',
    maxWorkers: 2,
  },
})
