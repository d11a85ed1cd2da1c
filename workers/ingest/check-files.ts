import { newestFirst, positionOf } from '../../prisma/lists/pages.ts'
import type { AssetPosition, AssetRow, Assets } from '../../prisma/types.ts'
import type { FileCondition, FileStore } from './file-store.ts'

export interface CheckFilesOptions {
  assets: Pick<Assets, 'page'>
  files: FileStore
  /** So long all bytes of files are compared with their digests; after that sizes alone. */
  digestMs: number
  /** After so long no more files are looked at. */
  maxMs: number
}

export interface FilesCheck {
  /** Images whose files were looked at, the newest first. */
  images: number
  /** Those of them whose bytes were compared. */
  digested: number
  /** Whether time ended before the images did. */
  incomplete: boolean
  faults: { asset: AssetRow; condition: Exclude<FileCondition, 'whole'> }[]
}

const pageSize = 100
const filesAtOnce = 8

/** Finds the images whose stored files are missing or damaged, within a time. */
export async function checkFiles({ assets, files, digestMs, maxMs }: CheckFilesOptions): Promise<FilesCheck> {
  const begun = performance.now()
  const passed = () => performance.now() - begun
  const check: FilesCheck = { images: 0, digested: 0, incomplete: false, faults: [] }
  const look = async (asset: AssetRow) => {
    const how = passed() < digestMs ? 'digest' : 'size'
    const condition = await files.condition(asset, how)
    check.images++
    if (how === 'digest') check.digested++
    if (condition !== 'whole') check.faults.push({ asset, condition })
  }
  for (let after: AssetPosition | null = null; ; ) {
    const { rows, hasNextPage } = await assets.page({ first: pageSize, after })
    for (let from = 0; from < rows.length; from += filesAtOnce)
      await Promise.all(rows.slice(from, from + filesAtOnce).map(look))
    if (!hasNextPage) return check
    if (passed() > maxMs) return { ...check, incomplete: true }
    after = positionOf(rows.at(-1)!, newestFirst)
  }
}
