import type { ServerResponse } from 'node:http'
import type { Services } from '../../schema/core/context.ts'
import { ModelFolderError } from '../../workers/errors.ts'
import type { Log } from '../../workers/log.ts'
import { send } from './respond.ts'

export interface Readiness {
  /** Never rejects: null when a real encode and a query worked, else the part that did not; the log has the reason. */
  check(): Promise<string | null>
  /** From now on the answer is that the server is shutting down. */
  drain(): void
}

/** Probes come in bursts (balancer, orchestrator, doctor): one check answers all of the next seconds. */
const keptMs = 3000

export function createReadiness(
  { encoder, database }: Pick<Services, 'encoder' | 'database'>,
  defaultModel: string,
  log: Log,
): Readiness {
  let last: { at: number; result: Promise<string | null> } | undefined
  let draining = false
  const part = (name: string, work: Promise<void>) =>
    work.then(
      () => null,
      (err: unknown) => {
        log.error({ err, part: name }, 'not ready')
        return err instanceof ModelFolderError ? err.outward : `${name} does not work`
      },
    )
  return {
    drain: () => {
      draining = true
    },
    async check() {
      if (draining) return 'shutting down'
      if (!last || performance.now() - last.at > keptMs) {
        const parts = Promise.all([
          part(`encoder, with model "${defaultModel}",`, encoder.ready()),
          part('database', database.ping()),
        ])
        last = { at: performance.now(), result: parts.then((all) => all.filter(Boolean).join('; ') || null) }
      }
      return last.result
    },
  }
}

export async function serveReady(res: ServerResponse, readiness: Readiness): Promise<void> {
  const problem = await readiness.check()
  const body = JSON.stringify(problem === null ? { ready: true } : { ready: false, problem })
  send(res, problem === null ? 200 : 503, 'application/json; charset=utf-8', body)
}
