import { mkdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import type { Database } from '../../../prisma/types.ts'
import { ItemError } from '../../errors.ts'
import { writeDurably } from '../../fs/write.ts'
import { type Log, silent } from '../../log.ts'
import type { Library } from '../library.ts'
import { readSamples, samplesFolder } from './read.ts'

export interface SeedOptions {
  library: Pick<Library, 'add'>
  database: Pick<Database, 'assets'>
  /** LIMN_HOME keeps a note that samples were given: who deletes them does not get them back. */
  home: string
  log?: Log
  signal?: AbortSignal
}

const addsAtOnce = 8

/**
 * Fills a library that is new and empty with the sample images. One that was interrupted goes on at the next start;
 * afterwards, and in a library that had images, it does nothing. Returns how many were added.
 */
export async function seedSamples({
  library,
  database,
  home,
  log = silent,
  signal,
}: SeedOptions): Promise<number> {
  const note = path.join(home, 'samples.json')
  const record = (state: 'adding' | 'done') =>
    writeDurably(note, Buffer.from(`${JSON.stringify({ state })}\n`))
  const state = await stateOf(note)
  if (state === 'done') return 0
  await mkdir(home, { recursive: true })
  if (state === null && (await database.assets.count()) > 0) {
    await record('done')
    return 0
  }
  if (state === null) await record('adding')
  const waiting = (await readSamples()).values()
  let added = 0
  // All take from one iterator: as many lanes as images at once.
  await Promise.all(
    Array.from({ length: addsAtOnce }, async () => {
      for (const { file, ...fields } of waiting) {
        if (signal?.aborted) return
        try {
          const { duplicate } = await library.add({
            ...fields,
            bytes: await readFile(path.join(samplesFolder, file)),
          })
          if (!duplicate) added++
        } catch (error) {
          if (!(error instanceof ItemError)) throw error
          log.warn({ file, reason: error.message }, 'a sample image was not taken')
        }
      }
    }),
  )
  if (signal?.aborted) return added
  await record('done')
  log.info({ images: added }, 'sample images added')
  return added
}

async function stateOf(note: string): Promise<string | null> {
  try {
    return (JSON.parse(await readFile(note, 'utf8')) as { state: string }).state
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}
