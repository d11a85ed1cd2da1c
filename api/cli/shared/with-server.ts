/** What commands that ask a server share: its options, and how they report that it does not answer. */
import { readConfig } from '../../config.ts'
import { type Client, RequestRefused, ServerUnreachable } from './client.ts'
import { reach } from './reach.ts'
import { complain } from './usage.ts'

/** For util.parseArgs. */
export const serverOptions = { url: { type: 'string' }, key: { type: 'string' } } as const

export const serverUsage = `  --url URL                another server; else that of LIMN_HOME, which is started if it does not run
  --key KEY                that server's key`

/** Runs `work` on the server of a command; returns its exit status, or 1 when the server does not answer or refuses. */
export async function withServer(
  { url, key }: { url?: string | undefined; key?: string | undefined },
  work: (client: Client) => Promise<number>,
): Promise<number> {
  const { config } = readConfig(process.env)
  try {
    await using server = await reach(config, url, key)
    return await work(server.client)
  } catch (error) {
    if (!(error instanceof ServerUnreachable || error instanceof RequestRefused)) throw error
    return complain(error.message, 1)
  }
}

/** One line of JSON: commands with --json print one for each image. */
export const printJson = (value: unknown): void => console.log(JSON.stringify(value))
