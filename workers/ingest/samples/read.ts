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

<<<<<<<< HEAD:workers/ingest/samples/read.ts
export const samplesFolder = import.meta.dirname
========
export const samplesFolder = path.resolve(import.meta.dirname, '../samples')
>>>>>>>> library:workers/ingest/seed/samples.ts

export async function readSamples(): Promise<Sample[]> {
  return JSON.parse(await readFile(path.join(samplesFolder, 'manifest.json'), 'utf8'))
}
