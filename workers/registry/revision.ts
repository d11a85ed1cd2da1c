/** A model's revision: a digest over everything that decides a vector. */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import path from 'node:path'
import { pipeline } from 'node:stream/promises'
import { readJsonObject } from '../fs/read.ts'
import { writeWhole } from '../fs/write.ts'
import { preprocessingVersion } from '../images/image-spec.ts'
import { onnxFiles } from './graph-files.ts'
import type { ModelFiles } from './spec.ts'

/** Files that decide a vector, beside the weights. */
export const configFiles = [
  'config.json',
  'preprocessor_config.json',
  'open_clip_config.json',
  'tokenizer.json',
  'tokenizer_config.json',
]

/** SHA-256, hex, of a file. */
export async function fileDigest(file: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(file, { highWaterMark: 1 << 20 }), hash)
  return hash.digest('hex')
}

/** Digests by path, size and time of change, so that a start does not read large models through. */
export class DigestCache {
  readonly #file: string
  #known: Promise<Record<string, unknown>> | undefined
  constructor(folder: string) {
    this.#file = path.join(folder, 'digests.json')
  }

  async digest(file: string): Promise<string> {
    this.#known ??= readJsonObject(this.#file)
    const known = await this.#known
    const { size, mtimeMs } = await stat(file)
    const key = `${file}|${size}|${mtimeMs}`
    const remembered = known[key]
    // A damaged one would give the model another revision.
    if (typeof remembered === 'string' && /^[0-9a-f]{64}$/.test(remembered)) return remembered
    const digest = await fileDigest(file)
    known[key] = digest
    await writeWhole(this.#file, JSON.stringify(known))
    return digest
  }
}

/** 16 hex characters. */
export async function revisionOf(folder: string, files: ModelFiles, digests: DigestCache): Promise<string> {
  const hash = createHash('sha256').update(`preprocessing ${preprocessingVersion}\n`)
  for (const file of configFiles) {
    const text = await readFile(path.join(folder, file)).catch(() => null)
    if (text) hash.update(`${file} ${createHash('sha256').update(text).digest('hex')}\n`)
  }
  for (const file of onnxFiles(files)) hash.update(`${path.basename(file)} ${await digests.digest(file)}\n`)
  return hash.digest('hex').slice(0, 16)
}
