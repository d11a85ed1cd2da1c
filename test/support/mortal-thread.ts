/** A session's thread that answers with the length of each word and dies at `poison`. */
import { setTimeout as sleep } from 'node:timers/promises'
import { hostSession } from '../../workers/runtime/session/session-host.ts'

await hostSession(async () => ({
  ready: null,
  async run(words: string[]) {
    if (words.includes('poison')) process.exit(3)
    await sleep(1)
    return { output: words.map((word) => word.length), transfer: [] }
  },
}))
