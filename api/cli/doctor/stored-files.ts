import type { Assets } from '../../../prisma/types.ts'
import { checkFiles } from '../../../workers/ingest/check-files.ts'
import { FolderStore } from '../../../workers/ingest/folder-store.ts'

const digestMs = 20_000
const maxMs = 60_000
const maxNames = 20

/** Looks for the file of every image. @throws Error that counts and names those that are missing or damaged */
export async function storedFiles(assets: Assets, home: string): Promise<string> {
  const files = FolderStore.of(home)
  const { images, digested, incomplete, faults } = await checkFiles({ assets, files, digestMs, maxMs })
  const scope = `${images}${incomplete ? ' newest' : ''} files of images looked at, ${digested} of them byte by byte`
  if (faults.length === 0) return `${scope}: all are whole`
  const of = (wanted: string) => faults.filter(({ condition }) => condition === wanted).length
  const names = faults.slice(0, maxNames).map(({ asset, condition }) => {
    return `${asset.name} (${asset.id}, ${condition})`
  })
  const more = faults.length > maxNames ? `, and ${faults.length - maxNames} more` : ''
  throw new Error(
    `${scope}: ${of('missing')} missing, ${of('damaged')} damaged. Add these images again: ${names.join(', ')}${more}`,
  )
}
