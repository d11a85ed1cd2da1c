/** Bringing a model folder from the hub into the registry: whole or not at all. */
import { existsSync } from 'node:fs'
import { mkdir, readdir, rename, rm, statfs } from 'node:fs/promises'
import path from 'node:path'
import { tryLock } from '../../fs/lock.ts'
import { checkGraph, readGraph } from '../../onnx/check-file.ts'
import { readConfig } from '../config.ts'
import { lookedFor, pickGraphs } from '../graph-files.ts'
import type { Precision } from '../spec.ts'
import { Hub, HubError, type HubFile, type HubOptions } from './client.ts'
import { download, sizeOf } from './download.ts'

export interface PullOptions extends HubOptions {
  /** The model's name on the hub, OWNER/MODEL, and then in the registry. */
  name: string
  /** LIMN_HOME/models. */
  registryFolder: string
  /** When absent, the best that the hub has, fp32 first. */
  precision?: Precision | null
  onProgress?(progress: PullProgress): void
}

export interface PullProgress {
  /** Path of the file under way. */
  file: string
  /** Bytes of all files, so far and in the end. `total` is exact once the graphs are there: they name their weights. */
  received: number
  total: number
}

export interface PulledModel {
  name: string
  folder: string
  precision: Precision
  bytes: number
}

/** Pulled where the model has them, and before the weights: a model that cannot be used costs no time. */
const smallFiles = [
  'config.json',
  'preprocessor_config.json',
  'processor_config.json',
  'open_clip_config.json',
  'tokenizer.json',
  'tokenizer_config.json',
  'special_tokens_map.json',
  'limn.json',
  'README.md',
  'LICENSE',
]

/** Bytes left free on the disk. */
const reserve = 64 * 2 ** 20

/**
 * Downloads a model into `registryFolder/.partial/NAME`, checks every byte and moves it to `registryFolder/NAME` in one
 * step. A second call resumes a pull that was cut or killed. The folder then holds the precision that was pulled last.
 * @throws HubError, ModelFolderError; the signal's reason when aborted
 */
export async function pullModel(options: PullOptions): Promise<PulledModel> {
  const { name, registryFolder } = options
  if (!validName(name))
    throw new HubError(
      `"${name}" is no model name: OWNER/MODEL, of letters, digits, dots, dashes and underscores.`,
    )
  const hub = new Hub(options)
  const target = path.join(registryFolder, name)
  const partial = path.join(registryFolder, '.partial', name)
  await mkdir(partial, { recursive: true })
  const attempt = tryLock(`${partial}.lock`)
  if ('holder' in attempt)
    throw new HubError(
      `"${name}" is being pulled by process ${attempt.holder.pid}. Wait for it, or stop it first.`,
    )
  try {
    const listed = await hub.files(name)
    const { precision, small, graphs } = choose(listed, name, options.precision)
    let files = [...small, ...graphs, ...listed.filter(({ path: file }) => looksLikeWeights(file, graphs))]
    let total = sizeOfAll(files)
    await requireSpace(registryFolder, partial, files)
    let done = 0
    const fetchFile = async (file: HubFile) => {
      await download({
        ...{ hub, model: name, file, partial, target },
        onProgress: (received) => options.onProgress?.({ file: file.path, received: done + received, total }),
      })
      done += file.size
    }
    for (const file of small) await fetchFile(file)
    await readConfig(partial)
    for (const file of graphs) await fetchFile(file)
    const weights = await weightsOf(graphs, partial, listed, name)
    files = [...small, ...graphs, ...weights]
    total = sizeOfAll(files)
    await requireSpace(registryFolder, partial, files)
    for (const file of weights) await fetchFile(file)
    for (const { path: file } of graphs) await checkGraph(path.join(partial, file))
    await removeOthers(partial, files)
    await install(partial, target)
    return { name, folder: target, precision, bytes: total }
  } finally {
    attempt.lock.release()
  }
}

/** MODEL or OWNER/MODEL; no name leads out of the registry or hides in it. */
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
  const graphs = found.graphs.map((graph) => byPath.get(graph)!)
  const small = smallFiles.flatMap((file) => byPath.get(file) ?? [])
  return { precision: found.precision, small, graphs }
}

const sizeOfAll = (files: readonly HubFile[]) => files.reduce((sum, { size }) => sum + size, 0)

/** By the names that exporters give to weights beside a graph: a forecast of the size, before the graph itself says. */
const looksLikeWeights = (file: string, graphs: readonly HubFile[]) =>
  graphs.some(({ path: graph }) => file.startsWith(`${graph}_data`) || file.startsWith(`${graph}.data`))

/** The files that the pulled graphs name for their weights. @throws HubError when the hub lacks one, ModelFolderError */
async function weightsOf(
  graphs: readonly HubFile[],
  partial: string,
  listed: readonly HubFile[],
  name: string,
): Promise<HubFile[]> {
  const found = new Set<HubFile>()
  for (const { path: graph } of graphs) {
    const { external } = await readGraph(path.join(partial, graph))
    for (const location of external.keys()) {
      const wanted = path.posix.join(path.posix.dirname(graph), location)
      const file = listed.find((candidate) => candidate.path === wanted)
      if (!file) throw new HubError(`"${name}" lacks ${wanted}, which has the weights of ${graph}.`)
      found.add(file)
    }
  }
  return [...found]
}

async function requireSpace(folder: string, partial: string, files: HubFile[]): Promise<void> {
  const present = await Promise.all(files.map(({ path: file }) => sizeOf(path.join(partial, file))))
  const needed = files.reduce((sum, { size }, i) => sum + Math.max(0, size - present[i]!), 0) + reserve
  const { bavail, bsize } = await statfs(folder)
  const megabytes = (bytes: number) => `${Math.ceil(bytes / 2 ** 20)} MB`
  if (needed > bavail * bsize)
    throw new HubError(
      `The model needs ${megabytes(needed)} more in ${folder}, where ${megabytes(bavail * bsize)} are free. Make room, or set LIMN_HOME to another disk.`,
    )
}

/** Removes the files that an earlier pull, of another precision or version, began and left. */
async function removeOthers(partial: string, files: HubFile[]): Promise<void> {
  const wanted = new Set(files.map((file) => path.join(partial, file.path)))
  for (const entry of await readdir(partial, { recursive: true, withFileTypes: true })) {
    const file = path.join(entry.parentPath, entry.name)
    if (entry.isFile() && !wanted.has(file)) await rm(file)
  }
}

/** Replaces an older folder with the finished one. */
async function install(partial: string, target: string): Promise<void> {
  await mkdir(path.dirname(target), { recursive: true })
  const old = `${partial}.old`
  await rm(old, { recursive: true, force: true })
  if (existsSync(target)) await rename(target, old)
  await rename(partial, target)
  await rm(old, { recursive: true, force: true })
}
