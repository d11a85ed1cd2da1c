/** Derived graphs on disk: made once for each revision of a model. */
import { readdir, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import * as ort from 'onnxruntime-node'
import { GraphError } from '../errors.ts'
import { readJsonObject } from '../fs/read.ts'
import { withDraft, writeWhole } from '../fs/write.ts'
import { writeModel } from '../onnx/file.ts'
import { fileDigest } from '../registry/revision.ts'
import type { ModelSpec } from '../registry/spec.ts'
import { type Derived, derivationVersion, deriveGradient } from './derive-gradient.ts'

export interface GradientFile extends Derived {
  /** Absolute path of the ONNX file. */
  path: string
}

export const visionFile = ({ files }: ModelSpec): string =>
  files.kind === 'combined' ? files.model : files.vision

/** What lies beside the file. A description of another file, or of an older Limn, does not match. */
interface Description {
  revision: string
  /** SHA-256 of the file. */
  digest: string
  derived: Derived
}

/**
 * The derived file of a model, made now if it is not there, or if it is not the one that was derived.
 * @throws GraphError when the model cannot be differentiated
 */
export async function gradientFile(spec: ModelSpec, cacheFolder: string): Promise<GradientFile> {
  const folder = path.join(cacheFolder, 'gradients')
  const base = path.join(folder, `${spec.revision}-${derivationVersion()}`)
  const file = `${base}.onnx`
  const known = await described(base, spec.revision)
  if (known) return { ...known, path: file }
  for (const damaged of [`${base}.json`, file]) await rm(damaged, { force: true, recursive: true })
  const { model, ...derived } = await deriveGradient(visionFile(spec), spec.image, spec.dimensions)
  // The description comes last: with it the file is whole. Two servers that derive at once write the same.
  await withDraft(file, async (draft) => {
    await writeFile(draft, writeModel(model))
    await tried(draft)
  })
  const description: Description = { revision: spec.revision, digest: await fileDigest(file), derived }
  await writeWhole(`${base}.json`, JSON.stringify(description))
  await removeOtherVersions(base)
  return { ...derived, path: file }
}

/** Null where the file, or its description, is missing, damaged or of another model. */
async function described(base: string, revision: string): Promise<Derived | null> {
  const description = (await readJsonObject(`${base}.json`)) as Partial<Description>
  if (description.revision !== revision || !description.derived) return null
  const digest = await fileDigest(`${base}.onnx`).catch(() => null)
  return digest === description.digest ? description.derived : null
}

/** Removes the files that another version of the code derived from the same revision. */
async function removeOtherVersions(base: string): Promise<void> {
  const folder = path.dirname(base)
  const own = path.basename(base)
  const revision = own.slice(0, own.lastIndexOf('-') + 1)
  for (const name of await readdir(folder)) {
    const version = name.startsWith(revision) ? name.slice(revision.length) : ''
    // A revision may begin with another one and a hyphen; drafts have a hyphen too.
    if (/^[^-.]+[.](onnx|json)$/.test(version) && path.parse(name).name !== own)
      await rm(path.join(folder, name), { force: true })
  }
}

/** A file that the runtime does not take is not kept. @throws GraphError */
async function tried(file: string): Promise<void> {
  try {
    const session = await ort.InferenceSession.create(file, {
      graphOptimizationLevel: 'disabled',
      logSeverityLevel: 4,
    })
    await session.release()
  } catch (error) {
    throw new GraphError(`ONNX Runtime refuses its gradient (${(error as Error).message.slice(0, 200)}).`)
  }
}
