/**
 * A real server in a process of its own that watches itself: how long its event loop was held, and its memory. Run as a
 * script it is that process.
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { readConfig } from '../../api/config.ts'
import { startServer } from '../../api/server.ts'
import { testPlace } from './database.ts'

export interface Watched {
  /**
   * Longest time that the event loop was held since the last look, in milliseconds: no longer than the thread has computed,
   * because on a busy machine it waits for its turn as well.
   */
  heldMs: number
  /** Resident memory now, and its peak since the start. */
  rss: number
  peakRss: number
}

export interface WatchedServer {
  url: string
  look(): Promise<Watched>
  close(): Promise<void>
}

export async function watchedServer(env: Record<string, string> = {}): Promise<WatchedServer> {
  const { url: databaseUrl, home, remove } = await testPlace()
  const child = fork(import.meta.filename, {
    // Vitest's own flags are not for this process.
    execArgv: [],
    env: {
      PATH: process.env.PATH,
      LIMN_HOME: home,
      PORT: '0',
      LIMN_LOG_LEVEL: process.env.LIMN_TEST_LOG_LEVEL ?? 'silent',
      LIMN_SAMPLES: 'false',
      LIMN_VARIANT: 'fp32',
      ...(databaseUrl && { DATABASE_URL: databaseUrl }),
      ...env,
    },
  })
  const [{ url }] = (await once(child, 'message')) as [{ url: string }]
  return {
    url,
    async look() {
      child.send('look')
      const [watched] = await once(child, 'message')
      return watched
    },
    async close() {
      child.send('close')
      await once(child, 'exit')
      await remove()
    },
  }
}

async function serve(): Promise<void> {
  const running = await startServer(readConfig(process.env).config)
  await running.ready
  const delay = monitorEventLoopDelay({ resolution: 5 })
  delay.enable()
  let computedBefore = 0
  process.on('message', async (message) => {
    if (message === 'close') {
      await running.close()
      process.exit(0)
    }
    // The monitor notices a hold at its next tick.
    await sleep(20)
    const { user, system } = process.threadCpuUsage()
    const computedMs = (user + system) / 1000 - computedBefore
    computedBefore += computedMs
    const watched: Watched = {
      heldMs: Math.min(delay.max / 1e6, computedMs),
      rss: process.memoryUsage.rss(),
      peakRss: process.resourceUsage().maxRSS * 1024,
    }
    delay.reset()
    process.send!(watched)
  })
  process.send!({ url: running.url })
}

if (import.meta.main) await serve()
