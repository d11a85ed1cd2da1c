import { globSync, readFileSync } from 'node:fs'
import path from 'node:path'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Frame, frames } from '../../support/frames.ts'
import { testImage } from '../../support/images.ts'
import { type TestServer, testServer } from '../../support/server.ts'

let server: TestServer
beforeAll(async () => {
  server = await testServer()
})
afterAll(() => server?.close())

const base64 = (bytes: Uint8Array | string) => ({ base64: Buffer.from(bytes).toString('base64') })
const fields = 'id status generator step steps loss svg error preview { mimeType width height base64 }'
const start = `mutation ($input: GuidanceRunInput!) { startGuidance(input: $input) { ${fields} } }`
const prompts = (text: string) => [{ concept: { text } }]
const svgs = globSync('test/fixtures/svg/*.svg').sort()

async function finished(input: object) {
  const { data, message } = await server.query(start, { input })
  if (!data) throw new Error(message)
  const { id } = data.startGuidance
  const seen: Frame[] = []
  for await (const frame of frames(server.url, id)) seen.push(frame)
  const { data: later } = await server.query(
    `query ($id: ID!) { node(id: $id) { ... on GuidanceRun { ${fields} } } }`,
    { id },
  )
  return { id, seen, run: later.node }
}

const similarity = async (image: object, text: string): Promise<number> => {
  const { data } = await server.query(
    'query ($image: ImageInput!, $text: String) { guide(image: $image, prompt: $text) { terms { similarity } } }',
    { image, text },
  )
  return data.guide.terms[0].similarity
}

describe('guidance runs', () => {
  it.each(['SHAPES', 'STROKES', 'PIXELS'])(
    '%s drawings come to fit their prompt, frame by frame',
    async (generator) => {
      const input = {
        prompts: prompts('red heart'),
        generator,
        steps: 40,
        width: 96,
        height: 64,
        elements: 12,
      }
      const { seen, run } = await finished(input)
      expect(seen.length).toBeGreaterThan(2)
      expect(seen.map(({ step }) => step)).toEqual(seen.map(({ step }) => step).toSorted((a, b) => a - b))
      expect(seen.at(-1)).toMatchObject({ status: 'DONE', step: 40 })
      expect(seen.at(-1)!.loss).toBeLessThan(seen[0]!.loss)
      expect(run).toMatchObject({ status: 'DONE', step: 40, steps: 40, error: null, generator })
      const first = await similarity({ base64: seen[0]!.preview.base64 }, 'red heart')
      const last = await similarity({ base64: run.preview.base64 }, 'red heart')
      expect(last).toBeGreaterThan(first)
      if (generator === 'PIXELS') expect(run.svg).toBeNull()
      else {
        expect(run.svg).toContain('viewBox="0 0 96 64"')
        const svg = await similarity(base64(run.svg), 'red heart')
        expect(Math.abs(svg - last)).toBeLessThan(0.02)
      }
      const { width, height } = run.preview
      expect(width / height).toBeCloseTo(1.5, 1)
    },
  )

  it('drawings of the same seed are the same', async () => {
    const input = {
      prompts: prompts('a house'),
      generator: 'SHAPES',
      steps: 8,
      elements: 6,
      seed: 5,
      width: 64,
      height: 64,
    }
    const [a, b] = await Promise.all([finished(input), finished(input)])
    expect(a.run.svg).toBe(b.run.svg)
    const other = await finished({ ...input, seed: 6 })
    expect(other.run.svg).not.toBe(a.run.svg)
  })

  it.each(svgs.map((file) => [path.basename(file), file]))(
    'RECOLOUR keeps the structure of %s and uses the palette alone',
    async (_, file) => {
      const palette = ['#102030', '#f0e0d0', '#c03028', '#2860c0', '#30a050']
      const original = readFileSync(file, 'utf8')
      const input = {
        prompts: prompts('a red drawing'),
        generator: 'RECOLOUR',
        steps: 12,
        palette,
        start: base64(original),
      }
      const { run } = await finished(input)
      expect(run.status).toBe('DONE')
      const colour = /(fill|stroke|stop-color)="(#[0-9a-fA-F]{3,8}|[a-z]+)"/g
      const used = [...run.svg.matchAll(colour)]
        .map((match: any) => match[2])
        .filter((value: string) => value.startsWith('#'))
      expect(used.length).toBeGreaterThan(0)
      for (const value of used) expect(palette).toContain(value.slice(0, 7))
      // Without their colours both are the same, but for the fill that the root may have been given.
      const bare = (svg: string) =>
        svg.replace(/^(<svg[^>]*?) fill="#[0-9a-f]+"/, '$1').replaceAll(colour, '$1=""')
      expect(bare(run.svg)).toBe(bare(original))
      expect(await similarity(base64(run.svg), 'a red drawing')).not.toBe(
        await similarity(base64(original), 'a red drawing'),
      )
    },
  )

  it('PIXELS starts from an image', async () => {
    const from = await testImage({ disc: 'blue' })
    const input = {
      prompts: prompts('a blue circle'),
      generator: 'PIXELS',
      steps: 1,
      start: base64(from),
      width: 128,
      height: 128,
    }
    const { run } = await finished(input)
    const read = (bytes: Buffer) =>
      sharp(bytes).resize(16, 16, { fit: 'fill' }).removeAlpha().raw().toBuffer()
    const [a, b] = await Promise.all([read(from), read(Buffer.from(run.preview.base64, 'base64'))])
    const apart = a.reduce((sum, v, i) => sum + Math.abs(v - b[i]!), 0) / a.length
    expect(apart).toBeLessThan(25)
  })

  it('a run can be stopped, waiting or running, and then ends its subscriptions', async () => {
    const input = { prompts: prompts('a house'), generator: 'SHAPES', steps: 2000, width: 64, height: 64 }
    const [running, waiting] = [await server.query(start, { input }), await server.query(start, { input })]
    const ids = [running, waiting].map(({ data }) => data.startGuidance.id)
    const read = (async () => {
      const seen: Frame[] = []
      for await (const frame of frames(server.url, ids[0])) seen.push(frame)
      return seen
    })()
    await new Promise((resolve) => setTimeout(resolve, 1500))
    const stop = 'mutation ($id: ID!) { stopGuidance(id: $id) { status step } }'
    const stopped = await server.query(stop, { id: ids[1] })
    expect(stopped.data.stopGuidance).toEqual({ status: 'STOPPED', step: 0 })
    const { data } = await server.query(stop, { id: ids[0] })
    expect(data.stopGuidance.status).toBe('STOPPED')
    expect((await read).at(-1)!.status).toBe('STOPPED')
    // Again: nothing changes.
    expect((await server.query(stop, { id: ids[0] })).data.stopGuidance.status).toBe('STOPPED')
  })

  it('a run that is stopped before its first frame ends its subscription with an error', async () => {
    const input = { prompts: prompts('a house'), generator: 'SHAPES', steps: 2000, width: 64, height: 64 }
    const begin = async () => (await server.query(start, { input })).data.startGuidance.id
    const ids = [await begin(), await begin()]
    const stop = (id: string) =>
      server.query('mutation ($id: ID!) { stopGuidance(id: $id) { status } }', { id })
    const subscribe = async () =>
      (
        await server.raw('/graphql', {
          method: 'POST',
          headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
          body: JSON.stringify({ query: `subscription { guidance(id: "${ids[1]}") { step } }` }),
        })
      ).body
    const waiting = subscribe()
    await new Promise((resolve) => setTimeout(resolve, 300))
    await stop(ids[1])
    for (const body of [await waiting, await subscribe()]) {
      const { errors } = JSON.parse(/^event: next\ndata: (.*)$/m.exec(body)![1]!)
      expect(errors[0]).toMatchObject({
        message: expect.stringMatching(/stopped before its first frame/),
        extensions: { code: 'BAD_USER_INPUT' },
      })
      expect(body).toMatch(/event: complete/)
    }
    await stop(ids[0])
  })

  it('a run lets embed through while it is made', async () => {
    const input = { prompts: prompts('a house'), generator: 'STROKES', steps: 2000, width: 64, height: 64 }
    const { data } = await server.query(start, { input })
    const times: number[] = []
    for (let i = 0; i < 10; i++) {
      const begun = performance.now()
      await server.query('query ($i: [ConceptInput!]!) { embed(inputs: $i) { __typename } }', {
        i: [{ text: `word ${i}` }],
      })
      times.push(performance.now() - begun)
    }
    expect(Math.max(...times)).toBeLessThan(2000)
    await server.query('mutation ($id: ID!) { stopGuidance(id: $id) { status } }', {
      id: data.startGuidance.id,
    })
  })

  const svg = (inner: string, head = '') =>
    base64(
      `${head}<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 9 9" width="9" height="9">${inner}</svg>`,
    )
  const rect = '<rect width="9" height="9" fill="#f00"/>'
  const recolour = { generator: 'RECOLOUR' }
  const laughs = `<!DOCTYPE svg [<!ENTITY a "ha">${'bcdefgh'.replace(/./g, (c) => `<!ENTITY ${c} "${`&${String.fromCharCode(c.charCodeAt(0) - 1)};`.repeat(10)}">`)}]>`
  it.each([
    ['a script', { ...recolour, start: svg(`${rect}<script>alert(1)</script>`) }, /<script>/],
    [
      'an event handler',
      { ...recolour, start: svg('<rect onload="x()" fill="#f00"/>') },
      /event handler onload/,
    ],
    [
      'an external image',
      { ...recolour, start: svg(`${rect}<image href="http://127.0.0.1/a.png"/>`) },
      /refers to/,
    ],
    [
      'an external file',
      { ...recolour, start: svg(`${rect}<use xlink:href="file:///etc/passwd"/>`) },
      /refers to/,
    ],
    [
      'an external paint',
      { ...recolour, start: svg('<rect fill="url(http://127.0.0.1/#a)"/>') },
      /refers to/,
    ],
    [
      'a style sheet',
      { ...recolour, start: svg(`<style>@import "http://127.0.0.1/a.css";</style>${rect}`) },
      /styles that refer to files/,
    ],
    ['a billion laughs', { ...recolour, start: svg(`${rect}<text>&h;</text>`, laughs) }, /entities/],
    [
      'a million uses',
      {
        ...recolour,
        start: svg(
          `<g id="a">${rect}</g>${'bcdefg'.replace(/./g, (c) => `<g id="${c}">${`<use href="#${String.fromCharCode(c.charCodeAt(0) - 1)}"/>`.repeat(10)}</g>`)}`,
        ),
      },
      /draws more than/,
    ],
    ['no XML', { ...recolour, start: base64('<svg') }, /not well-formed XML at line 1, column 4/],
    ['another document', { ...recolour, start: base64('<html></html>') }, /begins with <html>/],
    [
      'an SVG like a thread',
      {
        ...recolour,
        start: base64(`<svg xmlns="http://www.w3.org/2000/svg" width="1" height="9000">${rect}</svg>`),
      },
      /1 x 9000: too long/,
    ],
    ['half a photograph', { generator: 'PIXELS', start: 'half a photo' }, /damaged or cut short/],
    ['half a photograph for its colours', { generator: 'STROKES', start: 'half a photo' }, /damaged or cut/],
    ['no start', recolour, /RECOLOUR needs start/],
    [
      'a photograph to recolour',
      { ...recolour, start: 'photo' },
      /needs an SVG to start from; this is a JPEG/,
    ],
    ['10,000 elements', { generator: 'SHAPES', elements: 10_000 }, /elements is 10000; it must be 1 to 256/],
    ['no elements', { generator: 'STROKES', elements: 0 }, /elements is 0/],
    [
      'a palette of nonsense',
      { generator: 'SHAPES', palette: ['#fff', 'sunshine'] },
      /palette\[1\] is "sunshine"/,
    ],
    ['an empty palette', { generator: 'SHAPES', palette: [] }, /palette is empty/],
    ['no steps', { generator: 'SHAPES', steps: 0 }, /steps is 0/],
    ['a huge size', { generator: 'SHAPES', width: 20_000, height: 20_000 }, /width is 20000/],
    ['a thread-like size', { generator: 'SHAPES', width: 2000, height: 20 }, /too long/],
    [
      'an empty prompt',
      { generator: 'SHAPES', prompts: prompts(' ') },
      /^input\.prompts\[0\]: The text is empty/,
    ],
    ['weights of 0', { generator: 'SHAPES', prompts: [{ concept: { text: 'a' }, weight: 0 }] }, /sum to 0/],
    ['no prompts', { generator: 'SHAPES', prompts: [] }, /^input\.prompts is empty/],
    [
      'an image that is none',
      { generator: 'PIXELS', start: base64('nothing') },
      /input.start: This is not an image/,
    ],
    ['an unknown model', { generator: 'SHAPES', model: 'none' }, /no model "none"/],
  ])('startGuidance refuses %s, quickly', async (_, changes: any, message) => {
    const input = { prompts: prompts('a house'), ...changes }
    if (typeof input.start === 'string') {
      const photo = await sharp(await testImage({ disc: 'red' }))
        .jpeg()
        .toBuffer()
      input.start = base64(input.start === 'photo' ? photo : photo.subarray(0, photo.length / 2))
    }
    const begun = performance.now()
    const answer = await server.query(start, { input })
    expect(answer.message).toMatch(message)
    expect(['BAD_USER_INPUT', 'MODEL_NOT_FOUND']).toContain(answer.code)
    expect(performance.now() - begun).toBeLessThan(5000)
  })

  it.each([
    ['nonsense', ['nonsense'], /^input\.palette\[0\] is "nonsense", which is no hex colour/],
    ['nothing', [], /^input\.palette is empty/],
    ['65 colours', Array.from({ length: 65 }, () => '#fff'), /^input\.palette has 65 colours; at most 64/],
  ])('startGuidance names the palette, not the start, for a palette of %s', async (_, palette, message) => {
    const input = { prompts: prompts('a house'), generator: 'SHAPES', palette }
    const { errors } = await server.query(start, { input })
    expect(errors![0]!.message).toMatch(message)
    expect(errors![0]!.extensions).toMatchObject({ code: 'BAD_USER_INPUT', argument: 'input.palette' })
  })

  it('the queue takes no more runs than it has places, however many come at once', async () => {
    const input = { prompts: prompts('a house'), generator: 'PIXELS', steps: 2000, width: 32, height: 32 }
    const answers = await Promise.all(Array.from({ length: 70 }, () => server.query(start, { input })))
    const ids = answers.flatMap(({ data }) => data?.startGuidance.id ?? [])
    expect(ids.length).toBe(64)
    for (const { data, code, message } of answers.filter(({ data }) => !data)) {
      expect(data ?? null).toBeNull()
      expect(code).toBe('OVERLOADED')
      expect(message).toMatch(/guidance runs/)
    }
    const stop = 'mutation ($id: ID!) { stopGuidance(id: $id) { status } }'
    for (const id of ids.toReversed()) {
      const { data } = await server.query(stop, { id })
      expect(data.stopGuidance.status).toBe('STOPPED')
    }
  })

  it('an unknown run is an error, not a silence', async () => {
    const subscribed = await server.query('subscription { guidance(id: "run_none") { step } }')
    expect(subscribed.message).toMatch(/no guidance run/)
    const stopped = await server.query('mutation { stopGuidance(id: "asset_1") { id } }')
    expect(stopped.message).toMatch(/no guidance run/)
    const { data } = await server.query('{ node(id: "run_none") { id } }')
    expect(data.node).toBeNull()
  })
})
