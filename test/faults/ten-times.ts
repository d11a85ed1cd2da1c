/**
 * `npm run faults`: runs the tests of every fault ten times on both databases, and prints how often each passed and how long
 * it took. `npm run faults -- NAME...` runs those files whose name has one of the words.
 */
import { execFileSync } from 'node:child_process'
import { globSync } from 'node:fs'

/** By what the fault is; a folder stands for all its tests. */
const faults: Record<string, readonly string[]> = {
  'requests of any shape': ['test/integration/api/shapes.test.ts'],
  'a database that goes and comes back': [
    'test/faults/blips-runs.test.ts',
    'test/faults/blips-indexing.test.ts',
    'test/faults/database-faults.test.ts',
    'test/faults/rights-and-locks.test.ts',
  ],
  'an embedded database that dies': ['test/faults/embedded-deaths.test.ts'],
  'images and bodies that ask for much': [
    'test/integration/api/bytes.test.ts',
    'test/unit/images/hostile.test.ts',
    'test/unit/ingest/metadata-reader.test.ts',
    'test/faults/slow-images.test.ts',
    'test/faults/overload.test.ts',
  ],
  'threads and processes that die': [
    'test/unit/images/image-process.test.ts',
    'test/unit/runtime/batcher.test.ts',
    'test/unit/encode/death.test.ts',
    'test/integration/ingest/indexer.test.ts',
  ],
  'disks and caches that are full or damaged': [
    'test/faults/disk.test.ts',
    'test/unit/guidance/derive-gradient.test.ts',
    'test/integration/ingest/library.test.ts',
  ],
  'servers that are killed, and several of them': [
    'test/faults/kill-run.test.ts',
    'test/faults/kill-import.test.ts',
    'test/integration/drawing/two-servers.test.ts',
    'test/integration/ingest/two-servers.test.ts',
  ],
}

const words = process.argv.slice(2)
const files = Object.values(faults).flat()
const missing = globSync('test/faults/*.test.ts').filter((file) => !files.includes(file))
if (missing.length > 0) throw new Error(`No fault has the tests ${missing.join(', ')}.`)
const chosen = files.filter((file) => words.length === 0 || words.some((word) => file.includes(word)))
execFileSync(process.execPath, ['test/run.ts', ...chosen], {
  stdio: 'inherit',
  env: { LIMN_TEST_REPEAT: '10', ...process.env },
})
