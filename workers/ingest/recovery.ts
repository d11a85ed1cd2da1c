import { mkdir, rm } from 'node:fs/promises'
import type { Database } from '../../prisma/types.ts'
import type { Log } from '../log.ts'
import type { FileStore } from './file-store.ts'
import type { IntentLog } from './intent-log.ts'
import type { Thumbnails } from './thumbnails.ts'

export interface RecoveryOptions {
  database: Pick<Database, 'assets'>
  files: FileStore
  thumbnails: Thumbnails
  journal: IntentLog
  drafts: string
  log: Log
}

/**
 * Finishes or undoes the changes that a process left half done when it died, before anything else happens. Of each
 * marked image the row decides: without one its file goes. Drafts belong to nobody.
 */
export async function recover({
  database,
  files,
  thumbnails,
  journal,
  drafts,
  log,
}: RecoveryOptions): Promise<void> {
  await rm(drafts, { recursive: true, force: true })
  await mkdir(drafts, { recursive: true })
  const marked = await journal.open()
  const rows = await database.assets.byHashes(marked)
  for (const hash of marked) {
    const row = rows.get(hash)
    if (!row) await Promise.all([files.delete(hash), thumbnails.delete(hash)])
    else if ((await files.condition(row, 'size')) !== 'whole')
      log.error(
        { asset: row.id },
        'the file of an image is missing or damaged; add the image again to restore it',
      )
    await journal.clear(hash)
  }
  if (marked.length > 0)
    log.info({ images: marked.length }, 'cleaned up what an earlier process left half done')
}
