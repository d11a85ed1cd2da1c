/** The bundled model's abilities, on images outside its training sets, and its papers. */
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { excluded, holdOuts, reserved } from '../../../workers/lab/corpus/sets.ts'
import { openEncoder, type TestEncoder } from '../../support/encoders.ts'

const folder = path.resolve('workers/models/limn-icons')
const samples = path.resolve('workers/ingest/samples')
const read = (file: string) => readFileSync(path.join(folder, file), 'utf8')

let encoder: TestEncoder
beforeAll(async () => {
  encoder = await openEncoder()
})
afterAll(() => encoder?.close())

type Input = { text: string } | { image: Uint8Array }
async function vectors(inputs: Input[]): Promise<Float32Array[]> {
  return (await encoder.encode(inputs)).map((encoded) => {
    if (encoded instanceof Error) throw encoded
    return encoded.vector
  })
}
const dot = (a: Float32Array, b: Float32Array) => a.reduce((sum, x, i) => sum + x * b[i]!, 0)
/** The rank of the right vector among all, 0 for the first. */
const rankOf = (query: Float32Array, all: Float32Array[], right: number) =>
  all.filter((other) => dot(query, other) > dot(query, all[right]!)).length

describe('the bundled model', () => {
  it('the bundled model finds images of a set outside its training by their names', async () => {
    const manifest: { file: string; title: string; set: string }[] = JSON.parse(
      readFileSync(path.join(samples, 'manifest.json'), 'utf8'),
    )
    const fluent = manifest.filter(({ set }) => set === 'Fluent Emoji Flat')
    expect(fluent.length).toBeGreaterThan(50)
    const images = await vectors(
      fluent.map(({ file }) => ({ image: readFileSync(path.join(samples, file)) })),
    )
    const texts = await vectors(fluent.map(({ title }) => ({ text: title.toLowerCase() })))
    const ranks = texts.map((text, i) => rankOf(text, images, i))
    const share = (k: number) => ranks.filter((rank) => rank < k).length / ranks.length
    expect(share(1)).toBeGreaterThan(0.5)
    expect(share(10)).toBeGreaterThan(0.85)
  })

  it('the bundled model tells twelve colours apart', async () => {
    const colours = {
      red: '#e02020',
      orange: '#f58a1f',
      yellow: '#f7d117',
      green: '#2e9e44',
      blue: '#2563eb',
      purple: '#7c3aed',
      pink: '#f472b6',
      brown: '#7a4a21',
      black: '#111111',
      white: '#ffffff',
      grey: '#8a8a8a',
      turquoise: '#22c3b8',
    }
    const things = {
      heart: 'M12 21s-8-5-9.5-10A5.3 5.3 0 0 1 12 6a5.3 5.3 0 0 1 9.5 5C20 16 12 21 12 21z',
      star: 'M12 2l3 6.9 7.5.7-5.7 5 1.7 7.4L12 18.1 5.500 22l1.700-7.400-5.700-5 7.500-.7z',
      circle: 'M12 2a10 10 0 1 0 0 20 10 10 0 0 0 0-20z',
      house: 'M12 2L1 12h3v10h6v-6h4v6h6V12h3z',
      square: 'M3 3h18v18H3z',
    }
    const names = Object.keys(colours)
    let right = 0
    let count = 0
    for (const [thing, outline] of Object.entries(things)) {
      const files = await Promise.all(
        Object.entries(colours).map(([name, colour]) => {
          const paper = name === 'white' ? '#303030' : '#ffffff'
          const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" width="128" height="128"><rect width="24" height="24" fill="${paper}"/><path d="${outline}" fill="${colour}"/></svg>`
          return sharp(Buffer.from(svg)).png().toBuffer()
        }),
      )
      const images = await vectors(files.map((image) => ({ image })))
      const texts = await vectors(names.map((name) => ({ text: `${name} ${thing}` })))
      for (const [i, text] of texts.entries()) {
        count++
        if (rankOf(text, images, i) === 0) right++
      }
    }
    expect(right / count).toBeGreaterThan(0.8)
  })

  it('the bundled model was trained on openly licensed sets alone, each named, and on none of its test sets', () => {
    const rows = read('LICENSES.md')
      .split('\n')
      .filter((line) => /^\| \[?\w/.test(line) && !line.startsWith('| set'))
      .map((line) => line.split('|').map((cell) => cell.trim()))
    expect(rows.length).toBeGreaterThan(100)
    for (const [, set, count, licence] of rows) {
      expect(Number(count!.replaceAll(',', '')), set).toBeGreaterThan(0)
      expect(licence, set).toMatch(/^(MIT|Apache|ISC|CC0|CC-BY-[34]|OFL|Unlicense|BSD|Public)/i)
    }
    for (const name of reserved) expect(excluded).toContain(name)
    const used = rows.map(([, set]) => set!).join('\n')
    for (const name of ['Phosphor', 'OpenMoji', 'Lucide', 'Fluent Emoji Flat', 'Fluent Emoji High Contrast'])
      expect(used, name).not.toContain(`[${name}]`)
    for (const name of [...reserved, ...holdOuts]) expect(used).not.toMatch(new RegExp(`^${name}$`, 'm'))
  })

  it('the bundled model is small and has a card, measurements and a sheet of images', () => {
    for (const file of ['README.md', 'LICENSES.md', 'evaluation.json', 'sheet.png', 'references.json'])
      expect(existsSync(path.join(folder, file)), file).toBe(true)
    const bytes = ['onnx/text_model.onnx', 'onnx/vision_model.onnx'].reduce(
      (sum, file) => sum + readFileSync(path.join(folder, file)).length,
      0,
    )
    expect(bytes).toBeLessThan(24e6)
    expect(read('README.md')).toContain('What it cannot')
  })
})
