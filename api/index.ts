/** The npm package's programmatic entry: the server inside another process. */
import { type Config, readConfig } from './config.ts'
import { type RunningServer, startServer as start } from './server.ts'

export type { Config } from './config.ts'
export { ConfigError } from './errors.ts'
export type { RunningServer } from './server.ts'

/**
 * Starts a server; settings that are not given come from the environment, as for `limn serve`.
 * @example
 * const server = await startServer({ port: 0, home: '/var/lib/limn' })
 * console.log(`${server.url}/graphql`)
 * await server.close()
 * @throws ConfigError where a setting cannot be used
 */
export function startServer(settings: Partial<Config> = {}): Promise<RunningServer> {
  return start({ ...readConfig(process.env).config, ...settings })
}
