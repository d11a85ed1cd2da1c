/** What a model is for: as its folder says, else as the table of recommended models does. */
import { readFile } from 'node:fs/promises'
import { ModelFolderError } from '../errors.ts'
import { readJson } from './config/json.ts'

/** What kinds of images a model was made for. GENERAL: photographs and artwork alike. */
export const domains = ['ICONS_AND_ILLUSTRATIONS', 'PHOTOGRAPHS', 'GENERAL'] as const

export type Domain = (typeof domains)[number]

export interface Purpose {
  /** Null where nobody said. */
  domain: Domain | null
  /** The same in plain words. */
  knows: string | null
}

/** A model that can be pulled, with where each statement is from. */
export interface RecommendedModel {
  name: string
  domain: Domain
  knows: string
  licence: string
  /** Of its fp32 files, rounded: what `limn models pull` downloads. */
  megabytes: number
  dimensions: number
  /** Published ones; null where none was found. */
  figures: string | null
  sources: string[]
}

const table = new URL('../models/recommended.json', import.meta.url)
let read: Promise<RecommendedModel[]> | undefined

/** The one that suits most libraries comes first. */
export function recommendedModels(): Promise<RecommendedModel[]> {
  read ??= readFile(table, 'utf8').then((text) => (JSON.parse(text) as { models: RecommendedModel[] }).models)
  return read
}

/** `domain` and `knows` of the folder's limn.json; else of the table, by the model's name. @throws ModelFolderError */
export async function purposeOf(folder: string, name: string): Promise<Purpose> {
  const stated = await readJson(folder, 'limn.json')
  const known = (await recommendedModels()).find((model) => model.name === name)
  const domain = stated?.domain ?? known?.domain ?? null
  const knows = stated?.knows ?? known?.knows ?? null
  if (domain !== null && !domains.includes(domain))
    throw new ModelFolderError(`domain of limn.json is none of ${domains.join(', ')}.`)
  if (knows !== null && typeof knows !== 'string')
    throw new ModelFolderError('knows of limn.json is no text.')
  return { domain, knows }
}

/** What brings a model that knows photographs, in one line. */
export const pullCommand = ({ name }: Pick<RecommendedModel, 'name'>): string => `limn models pull ${name}`
