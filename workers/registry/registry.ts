/** The models of this server: folders that come with Limn and folders of the user. */
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { ModelFolderError, ModelNotFound } from '../errors.ts'
import { checkGraph } from '../onnx/check-file.ts'
import { summariseGraph } from '../onnx/inspect/graph-summary.ts'
import type { Provider } from '../runtime/provider.ts'
import type { LogitScalars } from './config/folder-config.ts'
import { logitScalars } from './config/head.ts'
import { readConfig } from './config.ts'
import { LoadFailures } from './failures.ts'
import { modelFolders } from './folders.ts'
import { chooseFiles, graphsBeside, graphsOf } from './graph-files.ts'
import { fitToGraphs } from './graph-inputs.ts'
import { cachedModels } from './hub/cached.ts'
import { purposeOf } from './purpose.ts'
import { DigestCache, revisionOf } from './revision.ts'
import type { ModelFiles, ModelSpec, Precision } from './spec.ts'
import { type VariantChoice, withVariants } from './with-variants.ts'

export interface RegistryOptions {
  /** Models that come with Limn. */
  bundledFolder: string
  /** LIMN_HOME/models: the user's own; wins over a bundled model of the same name. */
  homeFolder: string
  /** HF_HOME: models in the cache of the Hugging Face tools; win over bundled ones, and the user's own over them. */
  hubHome?: string
  /** Where digests of weights, notes of failures and derived files are. */
  cacheFolder: string
  defaultModel: string
  precision?: Precision | null
  /** Whether derived files serve; `fp32`, the default, leaves them alone. */
  variant?: VariantChoice
  /** Providers that may come to run a model and whose derived files may serve; the CPU alone when absent. */
  providers?: readonly Provider[]
}

/** A folder that is not usable, and why. It does not hide the others. */
export interface ModelProblem {
  name: string
  message: string
}

interface ModelFolder {
  folder: string
  bundled: boolean
  /** In the cache of the Hugging Face tools. */
  cached: boolean
}

/** The model folders of this server, read when first asked for. */
export class ModelRegistry {
  readonly defaultName: string
  /** Models that did not load although their folders read well. */
  readonly failures: LoadFailures
  readonly #options: RegistryOptions
  readonly #digests: DigestCache
  /** Models as their folders have them. */
  readonly #plain = new Map<string, Promise<ModelSpec>>()
  /** The same with the derived files that serve. */
  readonly #specs = new Map<string, Promise<ModelSpec>>()
  #folders: Promise<Map<string, ModelFolder>> | undefined

  constructor(options: RegistryOptions) {
    this.#options = options
    this.#digests = new DigestCache(options.cacheFolder)
    this.failures = new LoadFailures(options.cacheFolder)
    this.defaultName = options.defaultModel
  }

  /** Every model whose folder can be used, by name. */
  async list(): Promise<ModelSpec[]> {
    return (await this.#readAll()).flatMap((found) => ('message' in found ? [] : [found]))
  }

  /** Folders that cannot be used, and models that did not load when last tried, by name. */
  async problems(): Promise<ModelProblem[]> {
    const found = await Promise.all(
      (await this.#readAll()).map(async (read) => {
        if ('message' in read) return read
        const failure = await this.failures.of(read.revision)
        if (failure === null) return null
        return { name: read.name, message: `it did not load when last tried: ${failure}` }
      }),
    )
    return found.filter((problem) => problem !== null)
  }

  /** @throws ModelNotFound when no folder has the name, ModelFolderError when it has but cannot be used */
  async get(name?: string | null): Promise<ModelSpec> {
    const wanted = name ?? this.defaultName
    const folders = await this.#find()
    const found = folders.get(wanted)
    if (!found) throw ModelNotFound.named(wanted, [...folders.keys()])
    return this.#spec(wanted, found)
  }

  /** Every model folder there is, sound or not; of the Hugging Face cache those that hold what a model needs. */
  async names(): Promise<string[]> {
    return [...(await this.#find()).keys()].sort((a, b) => a.localeCompare(b))
  }

  async #readAll(): Promise<(ModelSpec | ModelProblem)[]> {
    const folders = await this.#find()
    const found = await Promise.all(
      (await this.names()).map(async (name) => {
        try {
          return await this.get(name)
        } catch (error) {
          if (!(error instanceof ModelFolderError)) throw error
          // The cache holds models of every kind, for other programs.
          return folders.get(name)!.cached ? null : { name, message: error.reason }
        }
      }),
    )
    return found.filter((read) => read !== null)
  }

  #find() {
    this.#folders ??= (async () => {
      const { bundledFolder, homeFolder, hubHome } = this.#options
      const under = async (root: string, bundled: boolean) =>
        (await modelFolders(root)).map(
          (name) => [name, { folder: path.join(root, name), bundled, cached: false }] as const,
        )
      const cached = hubHome === undefined ? [] : [...(await cachedModels(hubHome))]
      return new Map<string, ModelFolder>([
        ...(await under(bundledFolder, true)),
        ...cached.map(([name, folder]) => [name, { folder, bundled: false, cached: true }] as const),
        ...(await under(homeFolder, false)),
      ])
    })()
    return this.#folders
  }

  /**
   * Takes up files that were derived since the registry read the model; the folder is not read again. Null when none of
   * them serves, or their vectors are of another revision than the present ones: these wait for a restart.
   */
  async takeUpVariants(name: string): Promise<ModelSpec | null> {
    const [plain, current] = await Promise.all([this.#plain.get(name), this.#specs.get(name)])
    if (!plain || !current) return null
    const spec = await this.#withVariants(plain)
    if (spec.revision !== current.revision || spec.variants.length === 0) return null
    this.#specs.set(name, Promise.resolve(spec))
    return spec
  }

  #spec(name: string, found: ModelFolder): Promise<ModelSpec> {
    const { precision } = this.#options
    // The next call tries a failed read again.
    const once = (map: Map<string, Promise<ModelSpec>>, make: () => Promise<ModelSpec>) => {
      const known = map.get(name)
      if (known) return known
      const reading = make()
      map.set(name, reading)
      reading.catch(() => map.delete(name))
      return reading
    }
    return once(this.#specs, async () => {
      const read = () =>
        readSpec(name, found, this.#digests, precision).catch((error) => {
          throw error instanceof ModelFolderError ? error.of(name) : error
        })
      return this.#withVariants(await once(this.#plain, read))
    })
  }

  #withVariants(plain: ModelSpec): Promise<ModelSpec> {
    const { variant = 'fp32', cacheFolder, providers = ['cpu'] } = this.#options
    return withVariants(plain, variant, cacheFolder, providers)
  }
}

async function readSpec(
  name: string,
  { folder, bundled, cached }: ModelFolder,
  digests: DigestCache,
  precision?: Precision | null,
): Promise<ModelSpec> {
  // A bundled model has the files it comes with; LIMN_PRECISION is for the user's own.
  const graphs = () => chooseFiles(folder, bundled ? null : precision)
  const stated = await readConfig(folder, (wanted) => learnedScalars(folder, graphs(), wanted))
  const files = graphs()
  const named = graphsOf(files).map(async (graph) => ({
    name: path.basename(graph),
    inputs: (await checkGraph(graph)).inputs,
  }))
  const config = fitToGraphs(stated, await Promise.all(named))
  const [revision, licence, purpose] = await Promise.all([
    revisionOf(folder, files, digests),
    licenceOf(folder),
    purposeOf(folder, name),
  ])
  return { name, folder, bundled, cached, licence, ...purpose, revision, files, variants: [], ...config }
}

/**
 * A combined graph may hold them; separate encoders rarely do, and then a graph beside them may. One that cannot be read
 * holds none: those that serve are checked by themselves.
 */
async function learnedScalars(
  folder: string,
  files: ModelFiles,
  wanted: readonly (keyof LogitScalars)[],
): Promise<LogitScalars> {
  let found: LogitScalars = {}
  for (const graph of [...graphsOf(files), ...graphsBeside(folder, files)]) {
    const summary = await summariseGraph(graph).catch(() => null)
    if (summary) found = { ...logitScalars(summary.scalars), ...found }
    if (wanted.every((field) => found[field] !== undefined)) break
  }
  return found
}

/** `license:` of the model card's front matter. */
async function licenceOf(folder: string): Promise<string> {
  const card = await readFile(path.join(folder, 'README.md'), 'utf8').catch(() => '')
  const front = card.match(/^---\n([\s\S]*?)\n---/)?.[1] ?? ''
  return front.match(/^license:\s*["']?([^"'\n]+)/m)?.[1]?.trim() ?? 'unknown'
}
