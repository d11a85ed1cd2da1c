import type { Limn } from './limn.ts'
import { add, search } from './operations.ts'

interface Elements {
  words: HTMLInputElement
  results: HTMLElement
  files: HTMLInputElement
}

/** Shows what is found for the words, and adds the files that are chosen. Thumbnails need no key. */
export function connect(limn: Limn, { words, results, files }: Elements): void {
  words.onchange = async () => {
    const { edges } = await search(limn, words.value)
    const images = edges.map(({ node }) =>
      Object.assign(new Image(), { src: node.thumbnail, alt: node.name }),
    )
    results.replaceChildren(...images)
  }
  files.onchange = async () => {
    for (const { asset, message } of await add(limn, [...files.files!], ['from a page']))
      results.append(asset ? `${asset.name} is added. ` : message)
  }
}
