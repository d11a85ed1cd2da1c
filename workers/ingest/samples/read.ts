import { readFile } from 'node:fs/promises'
import path from 'node:path'

/** An image of those that a new library begins with, and its labels. */
export interface Sample {
  /** Its name in {@link samplesFolder}. */
  file: string
  name: string
  title: string
  tags: string[]
  collections: string[]
}

export const samplesFolder = import.meta.dirname

export async function readSamples(): Promise<Sample[]> {
  return JSON.parse(await readFile(path.join(samplesFolder, 'manifest.json'), 'utf8'))
}
