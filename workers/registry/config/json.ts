/** Config files of a model folder as JSON, and fields of them that are checked. */
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { ModelFolderError } from '../../errors.ts'

// biome-ignore lint/suspicious/noExplicitAny: other people's JSON, each field checked by its reader
export type Json = Record<string, any>

/** Null when the folder has no such file. @throws ModelFolderError when it cannot be read or is no JSON */
export async function readJson(folder: string, file: string): Promise<Json | null> {
  let text: string
  try {
    text = await readFile(path.join(folder, file), 'utf8')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return null
    throw new ModelFolderError(`${file} cannot be read (${code}).`)
  }
  try {
    return JSON.parse(text)
  } catch {
    throw new ModelFolderError(`${file} is not valid JSON.`)
  }
}

/** @throws ModelFolderError */
export function positive(value: unknown, field: string): number {
  if (typeof value === 'number' && Number.isFinite(value) && value > 0) return value
  throw new ModelFolderError(`The config files give no usable ${field} (found ${JSON.stringify(value)}).`)
}

/** @throws ModelFolderError */
export function triple(value: unknown, field: string, file: string): [number, number, number] {
  // One number counts for all channels.
  if (typeof value === 'number') return [value, value, value]
  if (Array.isArray(value) && value.length === 3 && value.every((part) => typeof part === 'number'))
    return value as [number, number, number]
  throw new ModelFolderError(`${file} gives no ${field} of three numbers.`)
}
