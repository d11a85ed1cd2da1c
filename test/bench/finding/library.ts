/** A server on a library of the team's files, imported once for each seed and kept in the benches' store. */
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { readConfig } from '../../../api/config.ts'
import { startServer } from '../../../api/server.ts'
import { readMigrations } from '../../../prisma/migrate.ts'
import { inParallel, store } from '../tools.ts'
import type { TeamFile } from './files.ts'

export interface TeamLibrary {
  ask(query: string, variables: object): Promise<any>
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
  // A library of other migrations is no use.
  const made = JSON.stringify([files, readMigrations()])
  const key = createHash('sha256').update(made).digest('hex').slice(0, 8)
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
  return {
    ask: (query, variables) => ask(url, query, variables),
    app,
    fileOf: (id) => files[ids[id]!]!,
    close,
  }
}

async function ask(url: string, query: string, variables: object): Promise<any> {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query, variables }),
  })
  const { data, errors } = (await response.json()) as { data: any; errors?: { message: string }[] }
  if (errors) throw new Error(errors[0]!.message)
  return data
}
