import { parseArgs } from 'node:util'
import { type Config, describeSettings, readConfig } from '../config.ts'
import { type RunningServer, startServer } from '../server.ts'
import { commandLine, say, withUsageErrors } from './shared/usage.ts'

/** Exit statuses of shells for "ended by signal n". */
const statusOf = { SIGINT: 130, SIGTERM: 143 } as const

const usage = () => `limn serve [--port PORT] [--host HOST] [--home FOLDER]

  --port PORT    port to listen on; 0 picks a free one (PORT)
  --host HOST    address to listen on (HOST)
  --home FOLDER  data folder (LIMN_HOME)

Settings are environment variables [and their defaults], or lines NAME=value of a file .env in the current folder.
Flags win over the environment, and the environment over .env.
${describeSettings()}`

export const serveCommand = withUsageErrors(async (args: string[]): Promise<number> => {
  const text = { type: 'string' } as const
  const { values } = parseArgs({
    args,
    options: { port: text, host: text, home: text, help: { type: 'boolean', short: 'h' } },
  })
  if (values.help) return say(usage(), 0)
  const begun = performance.now()
  const { config, warnings } = readConfig(process.env, {
    ...{ port: values.port, host: values.host, home: values.home },
  })
  for (const warning of warnings) console.error(`warning: ${warning}`)

  const ended = endSignal()
  const server = await startServer(config)
  const { lost } = server.app
  await Promise.race([firstImages(server), ended, lost])
  console.log(greeting(server.url, config, Math.round(performance.now() - begun)))
  const problem = await Promise.race([server.ready, ended.then(() => null), lost.then(() => null)])
  if (problem !== null) console.error(`warning: not ready: ${problem}`)
  else await Promise.race([printNotices(server), ended, lost])
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
})

/** What could be better, below the greeting. */
async function printNotices({ app }: RunningServer): Promise<void> {
  const { catalogue, notices } = app.services
  const found = await catalogue.get().then(
    ({ card }) => notices.of(card, true),
    () => [],
  )
  for (const { message } of found) console.log(`note: ${message}`)
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

function greeting(url: string, { home, apiKey }: Config, ms: number): string {
  const key = apiKey === undefined ? '' : " -H 'x-api-key: ...'"
  const query = '{ search(prompt: \\"a red heart\\", first: 3) { edges { score node { name url } } } }'
  const callers =
    apiKey === undefined
      ? `Only this machine is answered. Pages and plugins need a key: ${commandLine('keys')}`
      : 'Every request needs the key of LIMN_API_KEY.'
  return `
Limn answers at ${url}/graphql (started in ${(ms / 1000).toFixed(1)} s)

  look here first, GraphiQL with a query to try:  ${url}/graphql
  from a shell:
    curl ${url}/graphql${key} -H 'content-type: application/json' \\
      -d '{"query":"${query}"}'
  data folder (LIMN_HOME):  ${home}
  when something is wrong:  ${commandLine('doctor')}
  ${callers}
`
}
