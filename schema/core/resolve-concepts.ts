import { createHash } from 'node:crypto'
import type { AssetRow } from '../../prisma/types.ts'
import type { ServedModel } from '../../workers/encode/catalogue.ts'
import type { EncodeInput } from '../../workers/encode/encoder.ts'
import { echoed, ItemError } from '../../workers/errors.ts'
import { limits } from '../../workers/limits.ts'
import { Semaphore } from '../../workers/runtime/semaphore.ts'
import type { Concept, ConceptGiven, Context } from './context.ts'
import { unpackVector, vectorBytes } from './vector.ts'

/** Two inputs with one key are one concept. An upload is its own key: names and sizes may coincide. */
export function conceptKey(given: ConceptGiven): unknown {
  if (given.upload != null) return given.upload
  const [kind, value] = Object.entries(given)[0]!
  // A whole image: not copied, once for each field that asks for it. No base64 begins like the other keys.
  return kind === 'base64' ? value : `:${kind}:${value}`
}

/**
 * Resolves the concepts of one request and tick for one model: stored vectors by one query, everything else by
 * one call of the encoder. A concept that cannot be used is an ItemError in its place.
 */
export async function resolveConcepts(
  given: readonly ConceptGiven[],
  model: ServedModel,
  context: Context,
): Promise<(Concept | ItemError)[]> {
  const found: (Concept | ItemError | undefined)[] = new Array(given.length)
  await Promise.all([
    storedConcepts(given, found, model, context),
    encodedConcepts(given, found, model, context),
    givenVectors(given, found, model),
  ])
  return found.map((concept) => concept ?? new ItemError('EMPTY', 'Nothing was given.'))
}

type Slots = (Concept | ItemError | undefined)[]

async function storedConcepts(
  given: readonly ConceptGiven[],
  found: Slots,
  model: ServedModel,
  context: Context,
) {
  const places = given.flatMap(({ assetId }, place) =>
    assetId == null ? [] : [{ assetId: String(assetId), place }],
  )
  if (places.length === 0) return
  const rows = await context.loaders.asset.loadMany(places.map(({ assetId }) => assetId))
  const failure = rows.find((row) => row instanceof Error)
  if (failure) throw failure
  const assets = rows.filter((row) => row !== null) as AssetRow[]
  const vectors = await context.library.vectors([...new Set(assets)], model.card.name)
  places.forEach(({ assetId, place }, n) => {
    const asset = rows[n] as AssetRow | null
    const vector = asset && vectors.get(asset.id)
    if (!asset) found[place] = new ItemError('NOT_FOUND', `There is no asset "${echoed(assetId)}".`)
    else if (!vector)
      found[place] = new ItemError(
        'UNREADABLE_IMAGE',
        `Asset "${assetId}" has no vector${asset.error ? `: ${asset.error}` : ' yet. Try again in a moment.'}`,
      )
    else found[place] = { vector, modality: 'IMAGE', contentHash: asset.contentHash, asset }
  })
}

/** Images of one request that are read at once, from memory or from an address. */
const readsAtOnce = 16

async function encodedConcepts(
  given: readonly ConceptGiven[],
  found: Slots,
  model: ServedModel,
  context: Context,
) {
  const reads = new Semaphore(readsAtOnce)
  const read = async (concept: ConceptGiven, place: number): Promise<EncodeInput | undefined> => {
    try {
      if (concept.text != null) return { text: checkedText(concept.text) }
      if (concept.upload == null && concept.base64 == null && concept.url == null) return undefined
      return { image: (await context.images(concept, context.signal)).bytes }
    } catch (error) {
      if (!(error instanceof ItemError)) throw error
      found[place] = error
      return undefined
    }
  }
  const inputs = await Promise.all(given.map((concept, place) => reads.run(() => read(concept, place))))
  const places = inputs.flatMap((input, place) => (input ? [place] : []))
  if (places.length === 0) return
  const encoded = await context.encode(
    places.map((place) => inputs[place]!),
    model,
  )
  places.forEach((place, n) => {
    const one = encoded[n]!
    const input = inputs[place]!
    if (one instanceof ItemError) found[place] = one
    else if ('text' in input) found[place] = { ...one, modality: 'TEXT', text: input.text }
    else found[place] = { ...one, modality: 'IMAGE' }
  })
}

function givenVectors(given: readonly ConceptGiven[], found: Slots, model: ServedModel) {
  given.forEach(({ vector: text }, place) => {
    if (text == null) return
    try {
      const bytes = vectorBytes(text)
      const vector = unpackVector(bytes, model.card.dimensions, model.card.name)
      found[place] = {
        vector,
        modality: 'IMAGE',
        contentHash: createHash('sha256').update(bytes).digest('hex'),
      }
    } catch (error) {
      if (!(error instanceof ItemError)) throw error
      found[place] = error
    }
  })
}

/** @throws ItemError EMPTY or TOO_LARGE */
export function checkedText(text: string): string {
  if (text.length > limits.textLength)
    throw new ItemError(
      'TOO_LARGE',
      `The text has ${text.length} characters; at most ${limits.textLength} are accepted.`,
      { limit: limits.textLength, given: text.length },
    )
  if (text.trim() === '') throw new ItemError('EMPTY', 'The text is empty.')
  return text
}
