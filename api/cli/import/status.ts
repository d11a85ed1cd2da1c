import { setTimeout as sleep } from 'node:timers/promises'
import type { Client } from '../shared/client.ts'

const statusOf = `query ($ids: [ID!]!) { nodes(ids: $ids) { id ... on Asset { name indexStatus } } }`
const atOnce = 250

export interface AssetState {
  id: string
  name: string
  indexStatus: 'PENDING' | 'READY' | 'FAILED'
}

/** States of the assets that exist. */
export async function states(client: Client, ids: readonly string[]): Promise<Map<string, AssetState>> {
  const found = new Map<string, AssetState>()
  for (let from = 0; from < ids.length; from += atOnce) {
    const { nodes } = await client.send<{ nodes: (AssetState | null)[] }>(statusOf, {
      ids: ids.slice(from, from + atOnce),
    })
    for (const node of nodes) if (node) found.set(node.id, node)
  }
  return found
}

/** Waits until each of the assets has its vector or has failed; returns those that failed. */
export async function untilIndexed(
  client: Client,
  ids: readonly string[],
  signal: AbortSignal,
  onProgress: (done: number, total: number) => void,
): Promise<AssetState[]> {
  const failed: AssetState[] = []
  let waiting = [...ids]
  while (waiting.length > 0 && !signal.aborted) {
    onProgress(ids.length - waiting.length, ids.length)
    // The oldest are indexed first: while one of them waits, the rest need no query.
    const first = waiting.slice(0, atOnce)
    const found = await states(client, first)
    const still = first.filter((id) => found.get(id)?.indexStatus === 'PENDING')
    failed.push(...[...found.values()].filter(({ indexStatus }) => indexStatus === 'FAILED'))
    waiting = [...still, ...waiting.slice(first.length)]
    if (still.length === first.length) await sleep(200, undefined, { signal }).catch(() => {})
  }
  onProgress(ids.length - waiting.length, ids.length)
  return failed
}
