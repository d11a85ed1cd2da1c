/** An embedded database whose process is killed again and again. */
import { mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { openDatabase } from '../../prisma/open.ts'
import type { Database } from '../../prisma/types.ts'
import { killEmbedded } from '../support/blips.ts'
import { testDatabase } from '../support/database.ts'
import { killGroup, LimnProcesses } from '../support/processes.ts'

const isEmbedded = !process.env.LIMN_TEST_DATABASE_URL

let home: string
beforeEach(async () => {
  home = mkdtempSync(path.join(os.tmpdir(), 'limn-deaths-'))
  if (isEmbedded) await (await testDatabase()).prepare(home)
})
afterEach(() => rmSync(home, { recursive: true, force: true }))

/** Waits until the database answers again; its pid may be an older one's until then. */
async function untilBack(database: Database): Promise<void> {
  await expect
    .poll(
      () =>
        database.ping().then(
          () => true,
          () => false,
        ),
      { timeout: 30_000, interval: 20 },
    )
    .toBe(true)
}

/** Kills the database `times` times, with pauses between; true when it was given up. */
async function deaths(database: Database, times: number, pauseMs: number, isLost: () => boolean) {
  for (let n = 0; n < times && !isLost(); n++) {
    await untilBack(database)
    killEmbedded(home)
    await sleep(pauseMs)
  }
}

it.runIf(isEmbedded)(
  'an embedded database that dies now and then is started again each time',
  {
    timeout: 120_000,
  },
  async () => {
    const times = 3
    const lost: Error[] = []
    const windowMs = 300
    const database = await openDatabase({
      ...{ home, restarts: { max: 1, windowMs } },
      onLost: (error) => lost.push(error),
    })
    await deaths(database, times, windowMs + 50, () => lost.length > 0)
    await untilBack(database)
    expect(lost).toEqual([])
    await database.close()
  },
)

it.runIf(isEmbedded)(
  'an embedded database that dies again and again is given up, with a word on what to do',
  {
    timeout: 120_000,
  },
  async () => {
    const lost: Error[] = []
    const database = await openDatabase({
      ...{ home, restarts: { max: 3, windowMs: 600_000 } },
      onLost: (error) => lost.push(error),
    })
    const killed = new Set<number | null>()
    for (; lost.length === 0 && killed.size < 11; await sleep(20)) killed.add(killEmbedded(home))
    // Each of its processes: the first and as many as it was started again.
    killed.delete(null)
    expect(killed.size).toBe(4)
    expect(lost).toHaveLength(1)
    expect(lost[0]!.message).toMatch(
      /died too often within 10 minutes .* ended with SIGKILL.*memory.*disk.*Then start Limn again/,
    )
    await expect(database.ping()).rejects.toThrow(/does not answer/)
    await database.close()
  },
)

it.runIf(isEmbedded)(
  'a server whose embedded database is given up ends with status 1 and says why',
  {
    timeout: 120_000,
  },
  async () => {
    const processes = new LimnProcesses(home, null)
    const server = await processes.startServer()
    let isOver = false
    void server.ended.then(() => {
      isOver = true
    })
    while (!isOver) {
      killEmbedded(home)
      await sleep(20)
    }
    expect(await server.ended).toBe(1)
    expect(server.said()).toMatch(/died too often within 10 minutes/)
    killGroup(server.child)
  },
)

it.runIf(isEmbedded)(
  'a first start that is killed at any moment is followed by a clean one',
  {
    timeout: 900_000,
  },
  async () => {
    const kills = 3
    const processes = new LimnProcesses(home, null)
    try {
      let took = 4_000
      for (let n = 0; n < kills; n++) {
        rmSync(home, { recursive: true, force: true })
        const killed = processes.limn(['serve'])
        await sleep(Math.random() * took)
        // The server alone, which leaves its database process, as often as both.
        if (n % 2 === 0) killed.child.kill('SIGKILL')
        else killGroup(killed.child)
        await killed.ended
        const begun = performance.now()
        const server = await processes.startServer()
        took = Math.min(took, performance.now() - begun)
        // A server that had to wait for the orphan says for which.
        const complaints = server.said().replace(/\{.*"pid":\d+.*waiting for the database process.*\}\n/, '')
        expect(complaints).not.toMatch(/"level":[45]0/)
        server.child.kill('SIGTERM')
        expect(await server.ended, server.said()).toBe(0)
      }
    } finally {
      processes.killAll()
    }
  },
)
