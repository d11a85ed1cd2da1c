/**
 * Hubs are images that stand among the best of too many prompts. What a correction would bring: each image's score less a
 * share of the mean of its best similarities to a bank of words (after QB-Norm, Bogolin et al. 2022, with a bias per
 * image, which costs a search nothing).
 */

import type { Encode } from '../../../workers/encode/verification/references.ts'
import { ItemError } from '../../../workers/errors.ts'
import type { Gallery } from '../../../workers/relevance/trials.ts'
import { dot } from '../../../workers/similarity/vectors.ts'

const settings = [
  { best: 10, share: 0.25 },
  { best: 10, share: 0.5 },
  { best: 20, share: 0.5 },
]

export async function hubs(
  sets: Record<string, Gallery>,
  bank: readonly string[],
  encode: Encode,
  log: (line: string) => void,
): Promise<void> {
  const words = [...new Set(bank)].filter((word) => word !== '')
  const wordVectors = await textVectors(words, encode)
  log(
    `\nhubs, with a bank of ${words.length} words: points of recall, names at 1, tags that are in no name at 10`,
  )
  for (const [name, { images, prompts }] of Object.entries(sets)) {
    const tags = [...tagsInNoName(images)]
    const tagVectors = await textVectors(
      tags.map(([tag]) => tag),
      encode,
    )
    const similarities = images.map(({ vector }) =>
      Float64Array.from(wordVectors, (word) => dot(vector, word))
        .sort()
        .reverse(),
    )
    const right = prompts.map(
      ({ text }) => new Set(images.flatMap((one, n) => (one.name === text ? [n] : []))),
    )
    const measure = (bias: (image: number) => number) => {
      const biases = images.map((_, n) => bias(n))
      const within = (k: number, queries: readonly Float32Array[], rightOf: readonly Set<number>[]) =>
        (100 * queries.filter((query, n) => rankOf(query, rightOf[n]!) < k).length) / queries.length
      const rankOf = (query: Float32Array, fitting: Set<number>) => {
        const scores = images.map(({ vector }, n) => dot(query, vector) - biases[n]!)
        const best = Math.max(...[...fitting].map((n) => scores[n]!))
        return scores.filter((score) => score > best).length
      }
      return [
        within(
          1,
          prompts.map(({ vector }) => vector),
          right,
        ),
        within(
          10,
          tagVectors,
          tags.map(([, fitting]) => fitting),
        ),
      ] as const
    }
    const [names, byTags] = measure(() => 0)
    log(`${name}: names ${names.toFixed(1)}, ${tags.length} tags ${byTags.toFixed(1)}`)
    for (const { best, share } of settings) {
      const meanOf = (image: number) =>
        similarities[image]!.subarray(0, best).reduce((sum, value) => sum + value, 0) / best
      const [a, b] = measure((image) => share * meanOf(image))
      const change = (value: number) => `${value < 0 ? '' : '+'}${value.toFixed(2)}`
      log(`  ${best} best x ${share}: names ${change(a - names)}, tags ${change(b - byTags)}`)
    }
  }
}

/** Tags of few images, none of whose words is in a name. */
function tagsInNoName(images: Gallery['images']): Map<string, Set<number>> {
  const inNames = new Set(images.flatMap(({ name }) => name.split(' ')))
  const tags = new Map<string, Set<number>>()
  for (const [n, image] of images.entries())
    for (const tag of image.tags)
      if (tag.length >= 3 && !tag.split(' ').some((word) => inNames.has(word)))
        tags.set(tag, (tags.get(tag) ?? new Set()).add(n))
  return new Map([...tags].filter(([, fitting]) => fitting.size <= 20))
}

async function textVectors(texts: readonly string[], encode: Encode): Promise<Float32Array[]> {
  const vectors: Float32Array[] = []
  for (let from = 0; from < texts.length; from += 128)
    for (const one of await encode(texts.slice(from, from + 128).map((text) => ({ text })))) {
      if (one instanceof ItemError) throw one
      vectors.push(one.vector)
    }
  return vectors
}
