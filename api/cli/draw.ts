import { access, constants, readFile, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { type GeneratorRow, generators } from '../../workers/drawing/generators/index.ts'
import { readConfig } from '../config.ts'
import { type Client, RequestRefused, ServerUnreachable } from './shared/client.ts'
import { progressOn } from './shared/progress.ts'
import { reach } from './shared/reach.ts'
import { complain, say, withUsageErrors } from './shared/usage.ts'

/** Few elements make clearer images than many. The API's own defaults, 24 and 150, are fixed by its contract. */
const defaults = { elements: 14, steps: 250 }

const rows: readonly GeneratorRow[] = generators
const defaultGenerator = 'SHAPES'

const usage = `limn draw PROMPT... [--generator ${rows.map(({ name }) => name).join('|')}] [--out FILE]

Has the server draw an image that matches the prompts, step by step, and writes it to FILE.png and, unless it consists
of pixels, to FILE.svg.

Generators:
${rows.map(({ name, description, needsStart }) => `  ${name.padEnd(16)} ${description}${needsStart ? ` --start is ${needsStart}.` : ''}`).join('\n')}

  --avoid TEXT       what it should not look like; may be given several times
  --generator NAME   the method that makes it (${defaultGenerator})
  --start FILE       the image or SVG to start from
  --palette COLOURS  use only these, e.g. "#e63946,#f1faee,#1d3557"
  --elements N       number of shapes or strokes (${defaults.elements})
  --steps N          number of steps (${defaults.steps})
  --seed N           the same seed gives the same drawing (0)
  --size WxH         width and height in pixels (512x512)
  --model NAME       a model other than the server's default
  --out FILE         without its ending (drawing)
  --url URL          another server; else that of LIMN_HOME, which is started if it does not run
  --key KEY          that server's key
`

interface Drawing {
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
    ...positionals.map((text) => ({ text })),
    ...(values.avoid ?? []).map((text) => ({ text, weight: -0.5 })),
  ]
  const input = {
    prompts,
    generator: (values.generator ?? defaultGenerator).toUpperCase(),
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
  const hasSvg = rows.find(({ name }) => name === input.generator)?.vector ?? true
  for (const file of hasSvg ? [`${out}.png`, `${out}.svg`] : [`${out}.png`]) {
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

interface Started {
  drawing: Drawing | null
  userErrors: { message: string }[]
}

interface DrawingFiles {
  svg: string | null
  preview: { base64: string }
}

const fields = 'id status step steps loss error'
const start = `mutation ($input: StartDrawingInput!) {
  startDrawing(input: $input) { drawing { ${fields} } userErrors { message } }
}`
const look = `query ($id: ID!) { drawing(id: $id) { ${fields} } }`
const read = 'query ($id: ID!) { files: drawing(id: $id) { svg preview { base64 } } }'

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
  const { startDrawing } = await client.send<{ startDrawing: Started }>(start, { input })
  if (!startDrawing.drawing)
    return complain(startDrawing.userErrors.map(({ message }) => inFlags(message)).join('\n'), 1)
  let { drawing } = startDrawing
  const bar = progressOn(process.stderr, 'drawing', (amount) => `${Math.round(amount)}`)
  while (drawing.status === 'QUEUED' || drawing.status === 'RUNNING') {
    bar.update(drawing.step, drawing.steps)
    await sleep(250)
    const found = await client.send<{ drawing: Drawing | null }>(look, { id: drawing.id })
    if (!found.drawing) return complain('The drawing was deleted.', 1)
    drawing = found.drawing
  }
  bar.update(drawing.step, drawing.steps)
  bar.end()
  if (drawing.status !== 'DONE')
    return complain(drawing.error ?? `The drawing was ${drawing.status.toLowerCase()}.`, 1)
  const { files } = await client.send<{ files: DrawingFiles }>(read, { id: drawing.id })
  await writeFile(`${out}.png`, Buffer.from(files.preview.base64, 'base64'))
  if (files.svg !== null) await writeFile(`${out}.svg`, files.svg)
  console.log(`${out}.png${files.svg === null ? '' : ` and ${out}.svg`}, loss ${drawing.loss?.toFixed(3)}`)
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
