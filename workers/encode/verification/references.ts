/** Reference inputs, whose vectors lie beside a model: verify.ts compares them with those that the model gives now. */
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { ItemError, ModelFolderError } from '../../errors.ts'
import { writeWhole } from '../../fs/write.ts'
import { readJson } from '../../registry/config/json.ts'
import { onnxFiles } from '../../registry/graph-files.ts'
import { configFiles, fileDigest } from '../../registry/revision.ts'
import type { ModelSpec } from '../../registry/spec.ts'
import type { Encoded, EncodeInput } from '../encoder.ts'

/** Part of the {@link Encoder}: one model, already chosen. */
export type Encode = (inputs: readonly EncodeInput[]) => Promise<(Encoded | ItemError)[]>

const fileName = 'references.json'
const images = ['heart.png', 'house.png', 'landscape.png', 'star-transparent.png']
const texts = [
  'a red heart',
  'home',
  'mountains under an evening sky',
  'a star with soft edges, drawn by hand on transparent paper',
  'Naïve CAFÉ №5: 100 % «logo»',
  'download',
]

export interface References {
  /** Precision of the weights that gave the vectors, on the CPU. */
  precision: string
  /** Each input's vector: little-endian float32 as base64. */
  texts: Record<string, string>
  pictures: Record<string, string>
  /** SHA-256 of each file that decides vectors, by its path in the folder. */
  digests: Record<string, string>
}

export interface Reference {
  /** `text "..."` or `image ...`. */
  name: string
  input: EncodeInput
  vector: Float32Array
}

/** Null when the folder has no references yet. @throws ModelFolderError */
export async function readReferences(
  spec: ModelSpec,
): Promise<{ references: Reference[]; digests: Record<string, string> } | null> {
  const stored = (await readJson(spec.folder, fileName)) as References | null
  if (!stored) return null
  const missing = images.find((image) => !stored.pictures?.[image])
  if (missing || !stored.texts || !stored.digests)
    throw new ModelFolderError(`${fileName} is not one of Limn's. Remove it, and verify records new ones.`)
  const references = [
    ...Object.entries(stored.texts).map(([text, vector]) => ({
      name: `text "${text}"`,
      input: { text },
      vector: fromBase64(vector),
    })),
    ...(await Promise.all(
      images.map(async (image) => ({
        name: `image ${image}`,
        input: { image: await readReferenceImage(image) },
        vector: fromBase64(stored.pictures[image]!),
      })),
    )),
  ]
  return { references, digests: stored.digests }
}

/** Encodes the reference inputs and stores their vectors. `encode` must run this spec, on the CPU. */
export async function recordReferences(spec: ModelSpec, encode: Encode): Promise<void> {
  const inputs: EncodeInput[] = [
    ...texts.map((text) => ({ text })),
    ...(await Promise.all(images.map(async (image) => ({ image: await readReferenceImage(image) })))),
  ]
  const vectors = (await encode(inputs)).map((result) => {
    if (result instanceof ItemError) throw result
    return toBase64(result.vector)
  })
  const stored: References = {
    precision: spec.files.precision,
    texts: Object.fromEntries(texts.map((text, i) => [text, vectors[i]!])),
    pictures: Object.fromEntries(images.map((image, i) => [image, vectors[texts.length + i]!])),
    digests: await digestsOf(spec),
  }
  const file = path.join(spec.folder, fileName)
  await writeWhole(file, `${JSON.stringify(stored, null, 1)}\n`)
}

/** SHA-256 of the files that decide this spec's vectors; reads them whole. */
export async function digestsOf(spec: ModelSpec): Promise<Record<string, string>> {
  const files = [...configFiles.map((file) => path.join(spec.folder, file)), ...(await onnxFiles(spec.files))]
  const digests: Record<string, string> = {}
  for (const file of files) {
    const digest = await fileDigest(file).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return null
      throw error
    })
    if (digest) digests[path.relative(spec.folder, file).split(path.sep).join('/')] = digest
  }
  return digests
}

const readReferenceImage = (image: string) => readFile(new URL(`./images/${image}`, import.meta.url))

const toBase64 = (vector: Float32Array) =>
  Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength).toString('base64')

const fromBase64 = (text: string) => new Float32Array(new Uint8Array(Buffer.from(text, 'base64')).buffer)
