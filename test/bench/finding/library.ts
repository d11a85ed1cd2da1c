/** A server on a library of the team's files, imported once for each seed and kept in the benches' store. */
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { readConfig } from '../../../api/config.ts'
import { startServer } from '../../../api/server.ts'
import { inParallel, store } from '../tools.ts'
import type { TeamFile } from './files.ts'

export interface TeamLibrary {
  url: string
  app: Awaited<ReturnType<typeof startServer>>['app']
  /** The file of an asset. */
  fileOf(assetId: string): TeamFile
  close(): Promise<void>
}

export async function teamLibrary(
  name: string,
  files: readonly TeamFile[],
  log: (line: string) => void,
): Promise<TeamLibrary> {
  const key = createHash('sha256').update(JSON.stringify(files)).digest('hex').slice(0, 8)
  const home = path.join(store, 'finding', `home-${name}-${key}`)
  const config = readConfig({
    PORT: '0',
    LIMN_LOG_LEVEL: 'error',
    LIMN_SAMPLES: 'false',
    LIMN_VARIANT: 'fp32',
    LIMN_HOME: home,
  }).config
  const { url, app, close } = await startServer(config)
  const list = path.join(home, 'imported.json')
  if (!existsSync(list)) {
    const begun = performance.now()
    const ids: Record<string, string> = {}
    let refused = 0
    await inParallel(
      files.map((file, n) => ({ ...file, n })),
      4,
      async ({ file, name, folder, tags, n }) => {
        try {
          const bytes = await readFile(file)
          const { asset } = await app.services.library.add({ bytes, name, tags, collections: [folder] })
          ids[asset.id] ??= String(n)
        } catch {
          refused++
        }
      },
    )
    await app.services.library.idle()
    writeFileSync(list, JSON.stringify(ids))
    log(
      `  imported ${Object.keys(ids).length} of ${files.length} files in ${((performance.now() - begun) / 1000).toFixed(0)} s (${refused} refused, the rest are copies)`,
    )
  }
  await app.services.database.words.idle()
  const ids: Record<string, number> = JSON.parse(readFileSync(list, 'utf8'))
  return { url, app, fileOf: (id) => files[ids[id]!]!, close }
}
