import { cleanCollection } from './collections.ts'
import { cleanLine, cleanText } from './texts.ts'

/** Labels of an image as callers and files give them. */
export interface Labels {
  name?: string | null
  title?: string | null
  description?: string | null
  tags?: readonly string[] | null
  /** Paths such as Brand/2025/Logos. */
  collections?: readonly string[] | null
  takenAt?: Date | null
}

/** The texts of `labels`, cleaned. Absent fields stay absent; nothing is cut. */
export function cleanLabels<Given extends Labels>(labels: Given): Given {
  const clean: Labels = { ...labels }
  for (const field of ['name', 'title'] as const) {
    const text = labels[field]
    if (text != null) clean[field] = cleanLine(text)
  }
  if (labels.description != null) clean.description = cleanText(labels.description)
  if (labels.tags != null) clean.tags = labels.tags.map(cleanLine)
  if (labels.collections != null) clean.collections = labels.collections.map(cleanCollection)
  return clean as Given
}
