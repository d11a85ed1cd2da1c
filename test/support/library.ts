import path from 'node:path'
import type { AssetRow, Database } from '../../prisma/types.ts'
import { LocalEncoder, type LocalEncoderOptions } from '../../workers/encode/local-encoder.ts'
import { formats } from '../../workers/images/open.ts'
import type { Library } from '../../workers/ingest/library.ts'
import { type LibraryOptions, LocalLibrary } from '../../workers/ingest/local-library.ts'
import type { Log } from '../../workers/log.ts'
import { ModelRegistry } from '../../workers/registry/registry.ts'
import { openTestDatabase } from './database.ts'

export interface TestLibrary {
  library: Library
  database: Database
  encoder: LocalEncoder
  home: string
  /** What was logged as warning or error. */
  complaints: string[]
  /** Closes the library and opens it anew, as a restart does; `database` stands in for the real one. */
  reopen(
    options?: Partial<Pick<LibraryOptions, 'database' | 'enrichers'>> & { encoder?: LocalEncoder },
  ): Promise<Library>
  /** Where the file of an image lies, or would lie. */
  filePath(asset: Pick<AssetRow, 'contentHash' | 'mimeType'>): string
  /** Opens it anew with its own parts and takes every image out. */
  empty(): Promise<void>
  close(): Promise<void>
}

/** The bundled model in this process. */
export function testEncoder(
  home: string,
  options: Partial<LocalEncoderOptions> & { model?: string } = {},
): LocalEncoder {
  const cacheFolder = path.join(home, 'cache')
  const registry = new ModelRegistry({
    bundledFolder: path.resolve('workers/models'),
    homeFolder: path.join(home, 'models'),
    cacheFolder,
    defaultModel: options.model ?? 'limn-icons',
  })
  return new LocalEncoder({ registry, cacheFolder, provider: 'cpu', ...options })
}

/** A library on a database and home of its own, with the bundled model. */
export async function testLibrary(options: Partial<LocalEncoderOptions> = {}): Promise<TestLibrary> {
  const { db, home, close } = await openTestDatabase()
  const encoder = testEncoder(home, options)
  const complaints: string[] = []
  const complain = (_fields: object, message: string) => void complaints.push(message)
  const log: Log = { debug() {}, info() {}, warn: complain, error: complain }
  const opened: TestLibrary = {
    library: await LocalLibrary.open({ database: db, encoder, catalogue: encoder, home, log }),
    database: db,
    encoder,
    home,
    complaints,
    async reopen(others = {}) {
      await opened.library.close()
      opened.library = await LocalLibrary.open({
        database: db,
        home,
        log,
        ...others,
        encoder: others.encoder ?? encoder,
        catalogue: others.encoder ?? encoder,
      })
      return opened.library
    },
    filePath({ contentHash, mimeType }) {
      const { extension } = Object.values(formats).find((format) => format.mimeType === mimeType)!
      return path.join(home, 'files', contentHash.slice(0, 2), `${contentHash.slice(2)}.${extension}`)
    },
    async empty() {
      await opened.reopen()
      const { rows } = await db.assets.page({ first: 1000 })
      await opened.library.delete(rows.map(({ id }) => id))
      await opened.library.idle()
      complaints.length = 0
    },
    async close() {
      await opened.library.close()
      await encoder.close()
      await close()
    },
  }
  return opened
}
