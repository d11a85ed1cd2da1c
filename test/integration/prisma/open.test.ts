import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { expect, it } from 'vitest'
import { StartupError } from '../../../prisma/errors.ts'
import { readLock } from '../../../prisma/home-lock.ts'
import { openDatabase } from '../../../prisma/open.ts'
import { openTestDatabase } from '../../support/database.ts'

it('a database that is open names its versions and holds the data folder until it is closed', async () => {
  const { db, home, url, close } = await openTestDatabase()
  expect(db.info.kind).toBe(url ? 'postgres' : 'embedded')
  expect(db.info.version).toMatch(/^\d+\.\d+$/)
  expect(db.info.pgvector).toMatch(/^0\.(8|9|\d\d)\./)
  await db.ping()
  expect(readLock(home)).toMatchObject({ pid: process.pid, alive: true })
  await expect(openDatabase({ home, url })).rejects.toThrow(`process ${process.pid}`)
  await db.close()
  expect(readLock(home)).toBeNull()
  await close()
})

it('opening fails on a server that does not answer, without naming the password, and lets go of the folder', async () => {
  const home = mkdtempSync(path.join(os.tmpdir(), 'limn-open-'))
  const opening = openDatabase({ home, url: 'postgresql://limn:hunter2@127.0.0.1:1/limn' })
  const error: Error = await opening.then(
    () => expect.unreachable(),
    (reason) => reason,
  )
  expect(error).toBeInstanceOf(StartupError)
  expect(error.message).toMatch(/cannot be reached: .*ECONNREFUSED.*DATABASE_URL/)
  expect(error.message).not.toContain('hunter2')
  expect(readdirSync(home)).toEqual([])
  rmSync(home, { recursive: true })
})

it('a database closes once, however often it is asked', async () => {
  const { db, close } = await openTestDatabase()
  await Promise.all([db.close(), db.close()])
  await close()
})
