/** Bringing a model folder from the hub into the registry: whole or not at all. */
import { createHash } from 'node:crypto'
import { createReadStream, existsSync } from 'node:fs'
import { copyFile, link, mkdir, open, readdir, rename, rm, stat, statfs } from 'node:fs/promises'
import path from 'node:path'
import { pipeline } from 'node:stream/promises'
import { tryLock } from '../../fs/lock.ts'
import { readConfig } from '../config.ts'
import { isExternalData, lookedFor, pickGraphs } from '../graph-files.ts'
import type { Precision } from '../spec.ts'
import { Hub, HubError, type HubFile, type HubOptions } from './client.ts'

export interface PullOptions extends HubOptions {
  /** The model's name on the hub, OWNER/MODEL, and then in the registry. */
  name: string
  /** LIMN_HOME/models. */
  registryFolder: string
  /** The best of what the hub has, fp32 first, when absent. */
  precision?: Precision | null
  onProgress?(progress: PullProgress): void
}

export interface PullProgress {
  /** The file being loaded. */
  file: string
  /** Bytes of all files that are here, and that there will be. */
  received: number
  total: number
}

export interface Pulled {
  name: string
  folder: string
  precision: Precision
  bytes: number
}

/** Taken along where the model has them. Read before the weights are loaded: a model that cannot be used costs no time. */
const smallFiles = [
  'config.json',
  'preprocessor_config.json',
  'open_clip_config.json',
  'tokenizer.json',
  'tokenizer_config.json',
  'special_tokens_map.json',
  'limn.json',
  'README.md',
  'LICENSE',
]

/** Room left free on the disk. */
const spare = 64 * 2 ** 20

/**
 * Loads a model into `registryFolder/.partial/NAME`, checks every byte and moves it to `registryFolder/NAME` in one
 * step. A pull that was cut, or killed, goes on where it was when it is called again. The folder then holds the
 * precision that was pulled last.
 * @throws HubError, ModelFolderError; the signal's reason when aborted
 */
export async function pullModel(options: PullOptions): Promise<Pulled> {
  const { name, registryFolder } = options
  if (!validName(name))
    throw new HubError(
      `"${name}" is no model name: OWNER/MODEL, of letters, digits, dots, dashes and underscores.`,
    )
  const hub = new Hub(options)
  const target = path.join(registryFolder, name)
  const partial = path.join(registryFolder, '.partial', name)
  await mkdir(partial, { recursive: true })
  const taken = tryLock(`${partial}.lock`)
  if ('holder' in taken)
    throw new HubError(
      `"${name}" is being pulled by process ${taken.holder.pid}. Wait for it, or stop it first.`,
    )
  try {
    const { precision, small, weights } = choose(await hub.files(name), name, options.precision)
    const files = [...small, ...weights]
    const total = files.reduce((sum, { size }) => sum + size, 0)
    await needRoom(registryFolder, partial, files)
    let done = 0
    const load = async (file: HubFile) => {
      await loadFile(hub, name, file, partial, target, (received) =>
        options.onProgress?.({ file: file.path, received: done + received, total }),
      )
      done += file.size
    }
    for (const file of small) await load(file)
    await readConfig(partial)
    for (const file of weights) await load(file)
    await dropOthers(partial, files)
    await install(partial, target)
    return { name, folder: target, precision, bytes: total }
  } finally {
    taken.lock.release()
  }
}

/** One folder, or one inside its owner's: nothing that leaves the registry or hides in it. */
export function validName(name: string): boolean {
  return (
    name.length <= 200 && /^[A-Za-z0-9][\w.-]*(\/[A-Za-z0-9][\w.-]*)?$/.test(name) && !name.includes('..')
  )
}

function choose(files: HubFile[], name: string, wanted?: Precision | null) {
  const byPath = new Map(files.map((file) => [file.path, file]))
  const found = pickGraphs((file) => byPath.has(file), wanted)
  if (!found) {
    const has = files.map((file) => file.path).filter((file) => file.endsWith('.onnx'))
    throw new HubError(
      `"${name}" has no ${wanted ? `${wanted} ` : ''}ONNX files that Limn can use: looked for ${lookedFor}, found ${has.length > 0 ? has.slice(0, 12).join(', ') : 'none'}. The same model may be there as Xenova/... or onnx-community/... .`,
    )
  }
  const weights = files.filter(({ path: file }) =>
    found.graphs.some((graph) => file === graph || isExternalData(graph, file)),
  )
  const small = smallFiles.flatMap((file) => byPath.get(file) ?? [])
  return { precision: found.precision, small, weights }
}

async function needRoom(folder: string, partial: string, files: HubFile[]): Promise<void> {
  const here = await Promise.all(files.map(({ path: file }) => sizeOf(path.join(partial, file))))
  const needed = files.reduce((sum, { size }, i) => sum + Math.max(0, size - here[i]!), 0) + spare
  const { bavail, bsize } = await statfs(folder)
  const megabytes = (bytes: number) => `${Math.ceil(bytes / 2 ** 20)} MB`
  if (needed > bavail * bsize)
    throw new HubError(
      `The model needs ${megabytes(needed)} more in ${folder}, where ${megabytes(bavail * bsize)} are free. Make room, or set LIMN_HOME to another disk.`,
    )
}

/** Loads one file, from where it was left, until it has the hub's digest. */
async function loadFile(
  hub: Hub,
  model: string,
  file: HubFile,
  partial: string,
  target: string,
  onProgress: (received: number) => void,
): Promise<void> {
  const draft = path.join(partial, file.path)
  await mkdir(path.dirname(draft), { recursive: true })
  if (!existsSync(draft)) await reuse(path.join(target, file.path), draft, file)
  // What an earlier pull left may be of an older version: then one more try from the beginning.
  for (const fresh of [(await sizeOf(draft)) === 0, true]) {
    if ((await sizeOf(draft)) > file.size) await rm(draft)
    await fetchRest(hub, model, file, draft, onProgress)
    if (await intact(draft, file)) return
    await rm(draft)
    if (fresh) break
  }
  throw new HubError(
    `${file.path} of "${model}" does not have the checksum that the hub states (${file.digest.hex.slice(0, 12)}...). It was thrown away; try again, and if it happens again the hub's or a proxy's copy is damaged.`,
  )
}

async function fetchRest(
  hub: Hub,
  model: string,
  file: HubFile,
  draft: string,
  onProgress: (received: number) => void,
): Promise<void> {
  let received = await sizeOf(draft)
  let before = received
  onProgress(received)
  const attempt = async () => {
    before = received
    if (received >= file.size && existsSync(draft)) return
    const { resumed, chunks } = await hub.open(model, file.path, received)
    if (!resumed) received = 0
    const handle = await open(draft, resumed ? 'r+' : 'w')
    try {
      for await (const chunk of chunks) {
        if (received + chunk.length > file.size)
          throw new HubError(
            `${file.path} of "${model}" is longer than the ${file.size} bytes that the hub states.`,
          )
        await handle.write(chunk, 0, chunk.length, received)
        received += chunk.length
        onProgress(received)
      }
      await handle.sync()
    } finally {
      await handle.close()
    }
    if (received < file.size)
      throw new HubError(`The connection was cut after ${received} of ${file.size} bytes of ${file.path}.`, {
        passing: true,
      })
  }
  await hub.retried(attempt, () => received > before)
}

/** An update takes over what it already has. */
async function reuse(existing: string, draft: string, file: HubFile): Promise<void> {
  if ((await sizeOf(existing)) !== file.size || !(await intact(existing, file))) return
  await link(existing, draft).catch(() => copyFile(existing, draft))
}

async function intact(draft: string, { size, digest }: HubFile): Promise<boolean> {
  if ((await sizeOf(draft)) !== size || !existsSync(draft)) return false
  const hash = digest.kind === 'sha256' ? createHash('sha256') : createHash('sha1').update(`blob ${size}\0`)
  await pipeline(createReadStream(draft, { highWaterMark: 1 << 20 }), hash)
  return hash.digest('hex') === digest.hex
}

const sizeOf = (file: string) =>
  stat(file).then(
    ({ size }) => size,
    () => 0,
  )

/** Removes what an earlier pull, of another precision or version, began and left. */
async function dropOthers(partial: string, files: HubFile[]): Promise<void> {
  const wanted = new Set(files.map((file) => path.join(partial, file.path)))
  for (const entry of await readdir(partial, { recursive: true, withFileTypes: true })) {
    const file = path.join(entry.parentPath, entry.name)
    if (entry.isFile() && !wanted.has(file)) await rm(file)
  }
}

/** The finished folder takes the place of an older one. */
async function install(partial: string, target: string): Promise<void> {
  await mkdir(path.dirname(target), { recursive: true })
  const old = `${partial}.old`
  await rm(old, { recursive: true, force: true })
  if (existsSync(target)) await rename(target, old)
  await rename(partial, target)
  await rm(old, { recursive: true, force: true })
}
