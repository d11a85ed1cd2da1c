import { realpath, stat } from 'node:fs/promises'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { type Config, readConfig } from '../config.ts'
import { printable } from './import/names.ts'
import { noticesOf } from './import/notices.ts'
import { Remembered } from './import/remembered.ts'
import { Report } from './import/report.ts'
import { states, untilIndexed } from './import/status.ts'
import { batches, type FolderLabels, type Outcome, upload } from './import/upload.ts'
import { type FolderTree, type ImageFile, type PassedOver, walk } from './import/walk.ts'
import { type Client, RequestRefused, ServerUnreachable } from './shared/client.ts'
import { progressOn } from './shared/progress.ts'
import { reach } from './shared/reach.ts'
import { complain, say, withUsageErrors } from './shared/usage.ts'

const usage = `limn import FOLDER [--collection PATH] [--tag TAG]... [--report FILE] [--url URL --key KEY]

Takes the images of a folder tree (jpg, png, webp, avif, gif, tiff, svg) into the library. Folders become
collections inside one another, and their names tags. It may be interrupted and run again: what is there is not sent twice.
Hidden files and those of systems (@eaDir, __MACOSX, Thumbs.db, node_modules, ...) are left out. The exit status is 0 when
every image was taken, 1 when some could not be read or taken, 2 when the command line cannot be used.

  --collection PATH  collection that those of the folders lie in, e.g. "Campaigns/Autumn"
  --tag TAG          one more tag for all of them; may be given several times
  --report FILE      write a JSON line for each file: path, outcome, reason, id
  --url URL          a server elsewhere; else the one of LIMN_HOME, which is started where none is running
  --key KEY          that server's key
`

/** Requests on their way at once: while one is stored the next one is decoded. */
const requestsAtOnce = 3

export const importCommand = withUsageErrors(async (args: string[]): Promise<number> => {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      collection: { type: 'string' },
      tag: { type: 'string', multiple: true },
      report: { type: 'string' },
      url: { type: 'string' },
      key: { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    },
  })
  if (values.help) return say(usage, 0)
  if (positionals.length !== 1) return complain(`Give one folder.\n\n${usage}`, 2)
  const folder = path.resolve(positionals[0]!)
  if (!(await stat(folder).catch(() => null))?.isDirectory()) return complain(`${folder} is no folder.`, 2)

  const { config } = readConfig(process.env)
  const labels = { collection: values.collection, tags: values.tag ?? [] }
  const report = values.report === undefined ? null : await Report.open(values.report, folder)
  const interrupt = interruptible()
  const result: ImportResult = { outcomes: [], unindexed: [], notices: [] }
  const tree = await walk(folder, await realpath(config.home).catch(() => null))
  announce(tree, folder)
  try {
    if (tree.files.length > 0) {
      await using server = await reach(config, values.url, values.key)
      const library = values.url === undefined ? 'home' : server.client.url
      await using remembered = await Remembered.open(config.home, library, folder, labels)
      await run(result, server.client, tree.files, remembered, config, interrupt.signal, labels)
    }
    return conclude(tree, result, interrupt.signal.aborted)
  } catch (error) {
    if (!(error instanceof ServerUnreachable || error instanceof RequestRefused)) throw error
    return complain(
      `${error.message}\nWhat was taken so far is safe. Run the same command again to go on.`,
      1,
    )
  } finally {
    interrupt.done()
    await report?.write(tree, result.outcomes, new Set(result.unindexed.map(({ id }) => id)))
    await report?.close()
  }
})

/** Filled while the import goes on, so that a report has it also when it ends early. */
interface ImportResult {
  outcomes: Outcome[]
  /** In the library, and not encoded. */
  unindexed: { id: string; file: ImageFile }[]
  /** What the server has to say of the library then. */
  notices: string[]
}

async function run(
  result: ImportResult,
  client: Client,
  files: readonly ImageFile[],
  remembered: Remembered,
  { maxUploadBytes }: Config,
  interrupted: AbortSignal,
  labels: FolderLabels,
): Promise<void> {
  const { outcomes } = result
  outcomes.push(...(await knownOf(client, files, remembered)))
  const known = new Set(outcomes.map(({ file }) => file))
  const left = batches(files.filter((file) => !known.has(file)))

  const sending = progressOn(process.stderr, 'sending', images)
  sending.update(outcomes.length, files.length)
  await inLanes(requestsAtOnce, async () => {
    for (const batch of left) {
      if (interrupted.aborted) return
      const done = await upload(client, batch, labels, maxUploadBytes)
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
  result.unindexed = unindexed.map(({ id }) => ({ id, file: pending.get(id)! }))
  if (!interrupted.aborted) result.notices = await noticesOf(client)
}

/** Says what the folder holds, and what of it is passed over. */
function announce({ files, others, skipped }: FolderTree, folder: string): void {
  const passed = others.length > 0 ? ` (${count(others.length, 'other file')} passed over)` : ''
  console.log(`${count(files.length, 'image')} in ${folder}${passed}`)
  if (others.length > 0) console.log(`  passed over: ${tally(others, ({ relative }) => typeOf(relative))}`)
  if (skipped.length > 0) console.log(`  left out: ${tally(skipped, ({ reason }) => reason)}`)
}

const typeOf = (relative: string) => path.posix.extname(relative).toLowerCase() || 'without a type'

function tally(entries: readonly PassedOver[], kindOf: (entry: PassedOver) => string): string {
  const kinds = [...Map.groupBy(entries, kindOf)].sort(([, a], [, b]) => b.length - a.length)
  return kinds.map(([kind, { length }]) => `${length} ${printable(kind)}`).join(', ')
}

/** Says how the import ended; returns the exit status. */
function conclude(
  tree: FolderTree,
  { outcomes, unindexed, notices }: ImportResult,
  interrupted: boolean,
): number {
  const failed = [
    ...tree.unreadable.map(({ relative, reason }) => `${relative || '.'}: ${reason}`),
    ...outcomes.flatMap((one) => ('failed' in one ? [`${one.file.relative}: ${one.failed}`] : [])),
    ...unindexed.map(({ file }) => `${file.relative}: it is in the library, but could not be encoded.`),
  ]
  const taken = outcomes.filter((one) => 'id' in one)
  const added = taken.filter(({ duplicate }) => !duplicate).length
  const labelled = taken.filter(({ duplicate, changed }) => duplicate && changed).length
  console.log(`${added} added, ${taken.length - added} already there, ${failed.length} failed`)
  if (labelled > 0) console.log(`  ${labelled} of those already there took new labels`)
  for (const line of failed) console.error(`  ${printable(line)}`)
  for (const notice of notices) console.log(`note: ${printable(notice)}`)
  if (interrupted) {
    const left = tree.files.length - outcomes.length
    console.log(`Interrupted with ${left} to go. Run the same command again to go on.`)
    return 130
  }
  return failed.length > 0 ? 1 : 0
}

/** Waits for the vectors of what was taken. */
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
    return state
      ? [{ file, id, duplicate: true, changed: false, pending: state.indexStatus === 'PENDING' }]
      : []
  })
}

/** The first Ctrl-C ends after what is on its way, the second at once. */
function interruptible() {
  const controller = new AbortController()
  const onSignal = () => {
    if (controller.signal.aborted) process.exit(130)
    console.error('\nEnding after what is on its way. Ctrl-C again ends at once.')
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
