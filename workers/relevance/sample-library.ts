/**
 * What a fit is made from where a model brings none: the sample library, its names and tags, and images of two things
 * drawn from it. Nothing of it is stored for this purpose alone.
 */
import { readFile } from 'node:fs/promises'
import sharp from 'sharp'
import type { Encode } from '../encode/verification/references.ts'
import { ItemError } from '../errors.ts'
import { uniform } from '../random.ts'
import { dot } from '../similarity/vectors.ts'
import { Backdrop, type Stance } from './backdrop.ts'
import type { Pair } from './fit.ts'
import { auroc, type Verdict } from './quality.ts'
import type { Gallery, NamedImage } from './trials.ts'

interface Entry {
  file: string
  title: string
  tags: string[]
  set: string
}

export interface SampleLibrary {
  backdrop: Backdrop
  gallery: Gallery
  pairs: Pair[]
}

const folder = new URL('../ingest/samples/', import.meta.url)
/** The set that fits are judged by (`npm run bench -- relevance`), which is why none is made from it. */
const keptOut = 'Lucide'
/** Every so many images one is of the backdrop, and of nothing else. */
const backdropEvery = 5
const twoThings = 160
const strangersOfEach = 4
/** Edge of an image of two things, in pixels. */
const edge = 256

/** @param encode one model; called with some 1,400 inputs, a few at a time */
export async function readSampleLibrary(
  encode: Encode,
  onProgress: (done: number, total: number) => void = () => {},
): Promise<SampleLibrary> {
  const entries = await readEntries()
  const isBehind = (_: unknown, n: number) => n % backdropEvery === 0
  const isInFront = (_: unknown, n: number) => !isBehind(_, n)
  const names = [...new Set(entries.filter(isInFront).map(({ title }) => plainWords(title)))]
  const total = entries.length + names.length + twoThings
  let done = 0
  const counted: Encode = async (inputs) => {
    const results = await encode(inputs)
    done += inputs.length
    onProgress(done, total)
    return results
  }
  const files = await Promise.all(entries.map(({ file }) => readFile(new URL(file, folder))))
  const vectors = await encodeAll(
    counted,
    files.map((image) => ({ image })),
  )
  const texts = await encodeAll(
    counted,
    names.map((text) => ({ text })),
  )
  const images = entries.map(
    ({ title, tags }, n): NamedImage => ({
      name: plainWords(title),
      // These two say how an image is drawn, and are on most of them.
      tags: tags.map(plainWords).filter((tag) => tag !== '' && tag !== 'emoji' && tag !== 'icon'),
      vector: vectors[n]!,
    }),
  )
  const backdrop = new Backdrop(vectors.filter(isBehind))
  const gallery: Gallery = {
    images: images.filter(isInFront),
    prompts: names.map((text, n) => ({ text, vector: texts[n]! })),
  }
  const filesInFront = files.filter(isInFront)
  const inFront = gallery.images.map((image, n) => ({ image, file: filesInFront[n]! }))
  return { backdrop, gallery, pairs: await pairsOf(inFront, gallery, backdrop, counted) }
}

const probed = 48

/**
 * AUROC of an image's own name against those of others, on a few images: what a model is asked first, so that one without
 * any meaning costs little.
 */
export async function probeSamples(encode: Encode): Promise<number> {
  const entries = await readEntries()
  const some = Array.from({ length: probed }, (_, n) => entries[Math.floor((n * entries.length) / probed)]!)
  const images = await Promise.all(
    some.map(async ({ file }) => ({ image: await readFile(new URL(file, folder)) })),
  )
  const vectors = await encodeAll(encode, images)
  const texts = await encodeAll(
    encode,
    some.map(({ title }) => ({ text: plainWords(title) })),
  )
  return auroc(
    texts.flatMap((text, t) =>
      vectors.map((vector, v): Verdict => {
        const own = t === v
        return { probability: dot(text, vector), label: own ? 1 : 0, weight: own ? probed - 1 : 1 }
      }),
    ),
  )
}

async function readEntries(): Promise<Entry[]> {
  const manifest = await readFile(new URL('manifest.json', folder), 'utf8')
  return (JSON.parse(manifest) as Entry[]).filter(({ set }) => set !== keptOut)
}

/** Letters and digits of any script in small letters, words apart by one space. */
export const plainWords = (text: string): string =>
  text
    .normalize('NFC')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, ' ')
    .trim()

interface InFront {
  image: NamedImage
  file: Uint8Array
}

/** Images of one thing and of two, each with what is in it and with what is not. */
async function pairsOf(
  inFront: readonly InFront[],
  { prompts }: Gallery,
  backdrop: Backdrop,
  encode: Encode,
): Promise<Pair[]> {
  const random = uniform(20)
  const any = <T>(list: readonly T[]) => list[Math.floor(random() * list.length)]!
  const stances: Stance[] = []
  for (const { vector } of prompts) {
    stances.push(backdrop.stance(vector))
    await new Promise(setImmediate)
  }
  const place = new Map(prompts.map(({ text }, n) => [text, n]))
  const pairs: Pair[] = []
  const add = (prompt: number, vector: Float32Array, label: 0 | 1, weight: number) =>
    pairs.push({
      ...{ prompt, label, weight },
      cosine: dot(prompts[prompt]!.vector, vector),
      stance: stances[prompt]!,
    })
  const wordsOf = new Map(inFront.map(({ image }) => [image, ownWords(image)]))
  const addAll = async (shown: readonly NamedImage[], vector: Float32Array) => {
    await new Promise(setImmediate)
    for (const { name } of shown) add(place.get(name)!, vector, 1, 1 / shown.length)
    for (let n = 0; n < strangersOfEach; ) {
      const prompt = Math.floor(random() * prompts.length)
      const words = prompts[prompt]!.text.split(' ')
      if (shown.some((image) => words.some((word) => wordsOf.get(image)!.has(word)))) continue
      add(prompt, vector, 0, 1 / strangersOfEach)
      n++
    }
  }
  for (const { image } of inFront) await addAll([image], image.vector)
  const twos = Array.from({ length: twoThings }, () => [any(inFront), any(inFront)] as const)
  const drawn = await Promise.all(twos.map(([a, b]) => together(a.file, b.file)))
  const vectors = await encodeAll(
    encode,
    drawn.map((image) => ({ image })),
  )
  for (const [n, [a, b]] of twos.entries()) await addAll([a.image, b.image], vectors[n]!)
  return pairs
}

const ownWords = ({ name, tags }: NamedImage) => new Set([name, ...tags].flatMap((text) => text.split(' ')))

/** One at the upper left, the other at the lower right, on white. */
async function together(a: Uint8Array, b: Uint8Array): Promise<Buffer> {
  const half = edge / 2
  const [first, second] = await Promise.all(
    [a, b].map((file) => sharp(file).resize(half, half).png().toBuffer()),
  )
  const create = { width: edge, height: edge, channels: 3 as const, background: '#ffffff' }
  return sharp({ create })
    .composite([
      { input: first!, left: 0, top: 0 },
      { input: second!, left: half, top: half },
    ])
    .png()
    .toBuffer()
}

const atOnce = 32

async function encodeAll(encode: Encode, inputs: Parameters<Encode>[0]): Promise<Float32Array[]> {
  const vectors: Float32Array[] = []
  for (let from = 0; from < inputs.length; from += atOnce)
    for (const result of await encode(inputs.slice(from, from + atOnce))) {
      if (result instanceof ItemError) throw result
      vectors.push(result.vector)
    }
  return vectors
}
