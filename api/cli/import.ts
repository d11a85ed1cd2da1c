import { stat } from 'node:fs/promises'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { type Config, readConfig } from '../config.ts'
import { type Client, RequestRefused, ServerUnreachable } from './client.ts'
import { Remembered } from './import/remembered.ts'
import { states, untilIndexed } from './import/status.ts'
import { batches, type Labels, type Outcome, upload } from './import/upload.ts'
import { type ImageFile, walk } from './import/walk.ts'
import { progressOn } from './progress.ts'
import { reach } from './reach.ts'
import { complain, say, withUsageErrors } from './usage.ts'

const usage = `limn import FOLDER [--collection NAME] [--tag TAG]... [--url URL --key KEY]

Adds the images of a folder tree (jpg, png, webp, avif, gif, tiff, svg) to the library. The names of the folders
become tags. It may be interrupted and run again: nothing is sent twice.

  --collection NAME  collection of all these images
  --tag TAG          one more tag for all of them; may be given several times
  --url URL          a server elsewhere; default: the one of LIMN_HOME, started when none is running
  --key KEY          that server's key
`

/** Requests under way at once: while the server stores one it decodes the next. */
const requestsAtOnce = 3

export const importCommand = withUsageErrors(async (args: string[]): Promise<number> => {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      collection: { type: 'string' },
      tag: { type: 'string', multiple: true },
      url: { type: 'string' },
      key: { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    },
  })
  if (values.help) return say(usage, 0)
  if (positionals.length !== 1) return complain(`Give one folder.\n\n${usage}`, 2)
  const folder = path.resolve(positionals[0]!)
  if (!(await stat(folder).catch(() => null))?.isDirectory()) return complain(`${folder} is not a folder.`, 2)

  const interrupt = interruptible()
  const { config } = readConfig(process.env)
  const { files, others } = await walk(folder)
  console.log(
    `${count(files.length, 'image')} in ${folder}${others > 0 ? ` (${count(others, 'other file')} skipped)` : ''}`,
  )
  if (files.length === 0) return 0

  await using server = await reach(config, values.url, values.key)
  const library = values.url === undefined ? 'home' : server.client.url
  const remembered = await Remembered.open(config.home, library, folder)
  try {
    return await run(server.client, files, remembered, config, interrupt.signal, {
      collection: values.collection,
      tags: values.tag ?? [],
    })
  } catch (error) {
    if (!(error instanceof ServerUnreachable || error instanceof RequestRefused)) throw error
    return complain(
      `${error.message}\nThe images added so far are safe. Run the same command again to continue.`,
      1,
    )
  } finally {
    await remembered.close()
    interrupt.done()
  }
})

async function run(
  client: Client,
  files: readonly ImageFile[],
  remembered: Remembered,
  { maxUploadBytes }: Config,
  interrupted: AbortSignal,
  labels: Labels,
): Promise<number> {
  const outcomes: Outcome[] = await knownOf(client, files, remembered)
  const known = new Set(outcomes.map(({ file }) => file))
  const tooLarge = (file: ImageFile) => file.size > maxUploadBytes
  for (const file of files)
    if (!known.has(file) && tooLarge(file))
      outcomes.push({ file, failed: `It has ${file.size} bytes; at most ${maxUploadBytes} are accepted.` })
  const left = batches(files.filter((file) => !known.has(file) && !tooLarge(file)))

  const sending = progressOn(process.stderr, 'sending', images)
  sending.update(outcomes.length, files.length)
  await inLanes(requestsAtOnce, async () => {
    for (const batch of left) {
      if (interrupted.aborted) return
      const done = await upload(client, batch, labels)
      await remembered.add(done.flatMap((outcome) => ('id' in outcome ? [outcome] : [])))
      outcomes.push(...done)
      sending.update(outcomes.length, files.length)
    }
  })
  sending.end()

  const pending = new Map(
    outcomes.flatMap((one) => ('id' in one && one.pending ? [[one.id, one.file] as const] : [])),
  )
  const unindexed = pending.size > 0 ? await indexed(client, pending, interrupted) : []
  const failed = [
    ...outcomes.flatMap((one) => ('failed' in one ? [`${one.file.relative}: ${one.failed}`] : [])),
    ...unindexed.map(
      ({ id }) => `${pending.get(id)!.relative}: it is in the library, but could not be encoded.`,
    ),
  ]
  const stored = outcomes.filter((one) => 'id' in one)
  const added = stored.filter(({ duplicate }) => !duplicate).length
  console.log(`${added} added, ${stored.length - added} already there, ${failed.length} failed`)
  for (const line of failed) console.error(`  ${line}`)
  if (interrupted.aborted) {
    console.log(
      `Interrupted with ${files.length - outcomes.length} to go. Run the same command again to continue.`,
    )
    return 130
  }
  return failed.length > 0 ? 1 : 0
}

/** Waits for the vectors of the images sent. */
async function indexed(client: Client, pending: ReadonlyMap<string, ImageFile>, interrupted: AbortSignal) {
  const bar = progressOn(process.stderr, 'indexing', images)
  const failed = await untilIndexed(client, [...pending.keys()], interrupted, bar.update)
  bar.end()
  return failed
}

/** Files that an earlier run sent and whose images are still there. */
async function knownOf(
  client: Client,
  files: readonly ImageFile[],
  remembered: Remembered,
): Promise<Outcome[]> {
  const sent = files.flatMap((file) => {
    const id = remembered.id(file)
    return id === undefined ? [] : [{ file, id }]
  })
  const found = await states(client, [...new Set(sent.map(({ id }) => id))])
  return sent.flatMap(({ file, id }) => {
    const state = found.get(id)
    return state ? [{ file, id, duplicate: true, pending: state.indexStatus === 'PENDING' }] : []
  })
}

/** The first Ctrl-C ends after the requests under way, the second at once. */
function interruptible() {
  const controller = new AbortController()
  const onSignal = () => {
    if (controller.signal.aborted) process.exit(130)
    console.error('\nEnding after the requests under way. Ctrl-C again ends at once.')
    controller.abort()
  }
  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onSignal)
  const done = () => void process.off('SIGINT', onSignal).off('SIGTERM', onSignal)
  return { signal: controller.signal, done }
}

const inLanes = (lanes: number, work: () => Promise<void>) => Promise.all(Array.from({ length: lanes }, work))
const images = (amount: number) => `${Math.round(amount)}`
const count = (n: number, what: string) => `${n} ${what}${n === 1 ? '' : 's'}`
