import { describeSettings, readConfig } from '../config.ts'
import { type RunningServer, startServer } from '../server.ts'

/** Exit statuses of shells for "ended by signal n". */
const statusOf = { SIGINT: 130, SIGTERM: 143 } as const

export async function serveCommand(args: string[]): Promise<number> {
  if (args.includes('--help') || args.includes('-h')) {
    console.log(
      `limn serve\n\nSettings, all by environment variables [and their defaults]:\n${describeSettings()}`,
    )
    return 0
  }
  if (args.length > 0) {
    console.error(
      `limn serve takes no arguments ("${args.join(' ')}"). Settings are environment variables: limn serve --help.`,
    )
    return 2
  }
  const begun = performance.now()
  const { config, warnings } = readConfig(process.env)
  for (const warning of warnings) console.error(`warning: ${warning}`)

  const ended = endSignal()
  const server = await startServer(config)
  const { lost } = server.app
  await Promise.race([firstImages(server), ended, lost])
  console.log(greeting(server.url, config.apiKey !== undefined, Math.round(performance.now() - begun)))
  const problem = await Promise.race([server.ready, ended.then(() => null), lost.then(() => null)])
  if (problem !== null) console.error(`warning: not ready: ${problem}`)
  const signal = await Promise.race([ended, lost])
  if (signal instanceof Error) {
    console.error(signal.message)
    // Work under way may wait for a database that does not come back.
    setTimeout(() => process.exit(1), 5_000).unref()
    await server.close(0).catch(() => {})
    return 1
  }
  console.log(`${signal}: finishing the requests under way. Once more ends at once.`)
  process.on(signal, () => process.exit(statusOf[signal]))
  await server.close()
  return 0
}

/** On the first start: waits until the proposed query finds something. */
async function firstImages({ app, samples, ready }: RunningServer): Promise<void> {
  const notice = setTimeout(() => console.log('A new library: adding the sample images ...'), 500)
  // Images that cannot be encoded would make this wait forever.
  if ((await samples) > 0 && (await ready) === null) await app.services.library.idle()
  clearTimeout(notice)
}

function endSignal(): Promise<keyof typeof statusOf> {
  return new Promise((resolve) => {
    for (const signal of Object.keys(statusOf) as (keyof typeof statusOf)[])
      process.once(signal, () => resolve(signal))
  })
}

function greeting(url: string, keyRequired: boolean, ms: number): string {
  const key = keyRequired ? " -H 'x-api-key: ...'" : ''
  const query = '{ search(prompt: \\"a red heart\\", first: 3) { edges { score node { name url } } } }'
  return `
Limn answers at ${url}/graphql (started in ${(ms / 1000).toFixed(1)} s)

  GraphiQL, with a query to try:  ${url}/graphql
  from a shell:
    curl ${url}/graphql${key} -H 'content-type: application/json' \\
      -d '{"query":"${query}"}'
  ${keyRequired ? 'Every request needs the key of LIMN_API_KEY.' : 'Only this machine is answered. Pages and plugins need a key: npm run limn keys'}
`
}
