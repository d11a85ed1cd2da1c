import { access, constants, readFile, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { readConfig } from '../config.ts'
import { type Client, RequestRefused, ServerUnreachable } from './client.ts'
import { progressOn } from './progress.ts'
import { reach } from './reach.ts'
import { complain, say, withUsageErrors } from './usage.ts'

/** Few elements make clearer images than many. The API's own defaults, 24 and 150, are fixed by its contract. */
const defaults = { elements: 14, steps: 250 }

const usage = `limn draw PROMPT... [--generator SHAPES|STROKES|PIXELS|RECOLOUR] [--out FILE]

Has the server draw an image that matches the prompts, step by step, and writes it to FILE.png and, unless it consists
of pixels, to FILE.svg.

  --avoid TEXT       what the image should not look like; may be given several times
  --generator NAME   SHAPES (default), STROKES, PIXELS, or RECOLOUR, which changes an SVG's colours
  --start FILE       first image, or for RECOLOUR the SVG
  --palette COLOURS  allowed colours, e.g. "#e63946,#f1faee,#1d3557"
  --elements N       number of shapes or strokes (${defaults.elements})
  --steps N          number of steps (${defaults.steps})
  --seed N           the same seed gives the same drawing (0)
  --size WxH         width and height in pixels (512x512)
  --model NAME       model name (the default model)
  --out FILE         file name without extension ("drawing")
  --url URL          a server elsewhere; default: the one of LIMN_HOME, started when none is running
  --key KEY          that server's key
`

interface Run {
  id: string
  status: 'QUEUED' | 'RUNNING' | 'DONE' | 'STOPPED' | 'FAILED'
  step: number
  steps: number
  loss: number | null
  error: string | null
}

export const drawCommand = withUsageErrors(async (args: string[]): Promise<number> => {
  const text = { type: 'string' } as const
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      ...{ generator: text, start: text, palette: text, elements: text, steps: text, seed: text, size: text },
      ...{ model: text, out: text, url: text, key: text, avoid: { ...text, multiple: true } },
      help: { type: 'boolean', short: 'h' },
    },
  })
  if (values.help) return say(usage, 0)
  if (positionals.length === 0) return complain(`Say what to draw.\n\n${usage}`, 2)
  const size = /^(\d+)x(\d+)$/.exec(values.size ?? '512x512')
  if (!size) return complain(`--size is "${values.size}"; give it as 640x480.`, 2)
  for (const option of ['elements', 'steps', 'seed'] as const)
    if (values[option] !== undefined && !/^-?\d+$/.test(values[option]))
      return complain(`--${option} is "${values[option]}"; give it as a whole number.`, 2)
  const prompts = [
    ...positionals.map((words) => ({ concept: { text: words }, weight: 1 })),
    ...(values.avoid ?? []).map((words) => ({ concept: { text: words }, weight: -0.5 })),
  ]
  const input = {
    prompts,
    generator: (values.generator ?? 'SHAPES').toUpperCase(),
    width: Number(size[1]),
    height: Number(size[2]),
    model: values.model,
    palette: values.palette?.split(',').map((colour) => colour.trim()),
    elements: Number(values.elements ?? defaults.elements),
    steps: Number(values.steps ?? defaults.steps),
    ...(values.seed !== undefined && { seed: Number(values.seed) }),
    ...(values.start !== undefined && {
      start: { base64: (await readFile(values.start)).toString('base64') },
    }),
  }
  const out = values.out ?? 'drawing'
  for (const file of input.generator === 'PIXELS' ? [`${out}.png`] : [`${out}.png`, `${out}.svg`]) {
    const why = await unwritable(file)
    if (why) return complain(`--out is "${out}", but ${why}.`, 2)
  }
  const { config } = readConfig(process.env)
  await using server = await reach(config, values.url, values.key)
  try {
    return await draw(server.client, input, out)
  } catch (error) {
    if (!(error instanceof ServerUnreachable || error instanceof RequestRefused)) throw error
    return complain(inFlags(error.message), 1)
  }
})

const flagOf: Record<string, string> = {
  ...{ width: '--size (width)', height: '--size (height)' },
  ...Object.fromEntries(
    ['generator', 'start', 'palette', 'elements', 'steps', 'seed', 'model'].map((name) => [
      name,
      `--${name}`,
    ]),
  ),
}

/** A server's message in the words of this command: it names the fields of GraphQL. */
const inFlags = (message: string): string =>
  message
    .replace(/^Variable "\$input" got invalid value (.+?) at "(input\.\w+)";/, '$2 is $1:')
    .replaceAll(/\binput\.prompts\[\d+\]/g, 'the prompt')
    .replaceAll(/\binput\.(\w+)|^(\w+)(?= is \d)/g, (all, field, first) => flagOf[field ?? first] ?? all)

async function draw(client: Client, input: object, out: string): Promise<number> {
  const begin =
    'mutation ($input: GuidanceRunInput!) { startGuidance(input: $input) { id status step steps loss error } }'
  const look = 'query ($id: ID!) { node(id: $id) { ... on GuidanceRun { id status step steps loss error } } }'
  let run = (await client.send<{ startGuidance: Run }>(begin, { input })).startGuidance
  const bar = progressOn(process.stderr, 'drawing', (amount) => `${Math.round(amount)}`)
  while (run.status === 'QUEUED' || run.status === 'RUNNING') {
    bar.update(run.step, run.steps)
    await sleep(250)
    run = (await client.send<{ node: Run }>(look, { id: run.id })).node
  }
  bar.update(run.step, run.steps)
  bar.end()
  if (run.status !== 'DONE') return complain(run.error ?? `The run was ${run.status.toLowerCase()}.`, 1)
  const fetch = 'query ($id: ID!) { node(id: $id) { ... on GuidanceRun { svg preview { base64 } } } }'
  const { node } = await client.send<{ node: { svg: string | null; preview: { base64: string } } }>(fetch, {
    id: run.id,
  })
  await writeFile(`${out}.png`, Buffer.from(node.preview.base64, 'base64'))
  if (node.svg !== null) await writeFile(`${out}.svg`, node.svg)
  console.log(`${out}.png${node.svg === null ? '' : ` and ${out}.svg`}, loss ${run.loss?.toFixed(3)}`)
  return 0
}

/** Why a file cannot be written, found out before any work is done; null when it can. */
async function unwritable(file: string): Promise<string | null> {
  const folder = path.dirname(file)
  const [there, around] = await Promise.all([file, folder].map((at) => stat(at).catch(() => null)))
  if (there?.isDirectory()) return `"${file}" is a folder`
  if (!around?.isDirectory()) return `there is no folder "${folder}"; make it first`
  const allowed = (at: string) =>
    access(at, constants.W_OK).then(
      () => true,
      () => false,
    )
  if (await allowed(there ? file : folder)) return null
  return `"${there ? file : folder}" may not be written to`
}
