/** A model's revision: a digest over everything that decides a vector. */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import path from 'node:path'
import { pipeline } from 'node:stream/promises'
import { readJsonObject } from '../fs/read.ts'
import { writeWhole } from '../fs/write.ts'
import { preprocessingVersion } from '../images/image-spec.ts'
import { graphsOf, onnxFiles } from './graph-files.ts'
import type { ModelFiles } from './spec.ts'

/** Files that decide a vector, beside the weights. */
export const configFiles = [
  'config.json',
  'preprocessor_config.json',
  'processor_config.json',
  'open_clip_config.json',
  'tokenizer.json',
  'tokenizer_config.json',
  'special_tokens_map.json',
]

/** SHA-256, hex, of a file. */
export async function fileDigest(file: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(file, { highWaterMark: 1 << 20 }), hash)
  return hash.digest('hex')
}

interface Digested {
  /** Changes with the file: see {@link stampOf}. */
  stamp: string
  digest: string
}

/** Digests by path, kept for as long as the file is untouched, so that a start does not read large models through. */
export class DigestCache {
  readonly #file: string
  #known: Promise<Record<string, unknown>> | undefined
  constructor(folder: string) {
    this.#file = path.join(folder, 'digests.json')
  }

  async digest(file: string): Promise<string> {
    this.#known ??= readJsonObject(this.#file)
    const known = await this.#known
    const stamp = await stampOf(file)
    const remembered = known[file] as Partial<Digested> | null | undefined
    // A damaged digest would give the model another revision.
    if (remembered?.stamp === stamp && /^[0-9a-f]{64}$/.test(remembered.digest ?? ''))
      return remembered.digest!
    const digest = await fileDigest(file)
    known[file] = { stamp, digest } satisfies Digested
    await writeWhole(this.#file, JSON.stringify(known))
    return digest
  }
}

/**
 * Size, time of change, and inode. Copying tools set the time that contents changed (mtime) back, and a file that takes
 * another's place may have its size: nobody can set the time that the inode changed (ctime).
 */
async function stampOf(file: string): Promise<string> {
  const { size, mtimeNs, ctimeNs, ino, dev } = await stat(file, { bigint: true })
  return [size, mtimeNs, ctimeNs, ino, dev].join(' ')
}

/** 16 hex characters. */
export async function revisionOf(folder: string, files: ModelFiles, digests: DigestCache): Promise<string> {
  const hash = createHash('sha256').update(`preprocessing ${preprocessingVersion}\n`)
  for (const file of configFiles) {
    const text = await readFile(path.join(folder, file)).catch(() => null)
    if (text) hash.update(`${file} ${createHash('sha256').update(text).digest('hex')}\n`)
  }
  const graphs = graphsOf(files)
  for (const file of await onnxFiles(files)) {
    const name = path.relative(path.dirname(graphs[0]!), file).split(path.sep).join('/')
    hash.update(`${name} ${await digests.digest(file)}\n`)
  }
  return hash.digest('hex').slice(0, 16)
}
