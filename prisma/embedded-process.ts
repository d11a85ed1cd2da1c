/** The embedded database's own process: PGlite behind a socket. Ends when its parent does, however that happens. */
import { PGlite } from '@electric-sql/pglite'
import { vector } from '@electric-sql/pglite-pgvector'
import { PGLiteSocketServer } from '@electric-sql/pglite-socket'
import { StartupError } from './errors.ts'
import { takeLock } from './lock.ts'
import { sessionSettings } from './settings.ts'

const [folder, socketPath] = process.argv.slice(2) as [string, string]
const tell = (message: object) => process.connected && process.send?.(message)

try {
  // After a kill of the server its database lives on for a moment.
  const lock = await takeLock(`${folder}.lock`, 'The database of this data folder', 10_000)
  const db = await PGlite.create({ dataDir: folder, extensions: { vector } })
  await db.exec(`SET timezone = 'UTC'; CREATE EXTENSION IF NOT EXISTS vector; ${sessionSettings.join('; ')}`)
  const server = new PGLiteSocketServer({ db, path: socketPath, maxConnections: 64 })
  await server.start()

  let closing = false
  const close = async () => {
    if (closing) return
    closing = true
    await server.stop().catch(() => {})
    await db.close().catch(() => {})
    lock.release()
    process.exit(0)
  }
  process.on('disconnect', close)
  process.on('message', (message) => message === 'close' && void close())
  process.on('SIGTERM', close)
  process.on('SIGINT', () => {})
  if (!process.connected) await close()
  tell({ ready: true })
} catch (error) {
  tell({ failed: (error as Error).message, startup: error instanceof StartupError })
  process.exit(1)
}
