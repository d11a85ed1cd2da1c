import { globSync, readFileSync } from 'node:fs'
import path from 'node:path'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Frame, frames } from '../../support/frames.ts'
import { testImage, testImages } from '../../support/images.ts'
import { type TestServer, testServer } from '../../support/server.ts'

let server: TestServer
beforeAll(async () => {
  server = await testServer()
})
afterAll(() => server?.close())

const base64 = (bytes: Uint8Array | string) => ({ base64: Buffer.from(bytes).toString('base64') })
const fields =
  'id status generator step steps loss svg error createdAt preview { mimeType width height base64 }'
const startDocument = `mutation ($input: StartDrawingInput!) {
  startDrawing(input: $input) { drawing { ${fields} } userErrors { field code message } }
}`
const start = (input: object) => server.query(startDocument, { input })
const begin = async (input: object): Promise<string> => (await start(input)).data.startDrawing.drawing.id
const stop = async (id: string) =>
  (
    await server.query(
      'mutation ($id: ID!) { stopDrawing(input: { id: $id }) { drawing { status step } userErrors { field code message } } }',
      { id },
    )
  ).data.stopDrawing
const svgs = globSync('test/fixtures/svg/*.svg').sort()

async function finished(input: object) {
  const id = await begin(input)
  const seen: Frame[] = []
  for await (const frame of frames(server.url, id)) seen.push(frame)
  const { data } = await server.query(`query ($id: ID!) { drawing(id: $id) { ${fields} } }`, { id })
  /** Steps at which there is an image. */
  const drawn = seen.filter((frame) => frame.preview !== null)
  return { id, seen, drawn, drawing: data.drawing }
}

const similarity = async (image: object, text: string): Promise<number> => {
  const { data } = await server.query(
    'query ($image: ImageInput!, $text: String) { guide(image: $image, prompt: $text) { terms { similarity } } }',
    { image, text },
  )
  return data.guide.terms[0].similarity
}

describe('drawings', () => {
  it.each(['SHAPES', 'STROKES', 'PIXELS'])(
    '%s drawings come to fit their prompt, frame by frame',
    async (generator) => {
      const input = {
        prompt: 'red heart',
        generator,
        steps: 40,
        width: 96,
        height: 64,
        elements: 12,
      }
      const { seen, drawn, drawing } = await finished(input)
      expect(seen.length).toBeGreaterThan(2)
      expect(seen.map(({ step }) => step)).toEqual(seen.map(({ step }) => step).toSorted((a, b) => a - b))
      expect(seen.at(-1)).toMatchObject({ status: 'DONE', step: 40 })
      expect(drawn.at(-1)!.loss).toBeLessThan(drawn[0]!.loss!)
      expect(drawing).toMatchObject({ status: 'DONE', step: 40, steps: 40, error: null, generator })
      const first = await similarity({ base64: drawn[0]!.preview!.base64 }, 'red heart')
      const last = await similarity({ base64: drawing.preview.base64 }, 'red heart')
      expect(last).toBeGreaterThan(first)
      if (generator === 'PIXELS') expect(drawing.svg).toBeNull()
      else {
        expect(drawing.svg).toContain('viewBox="0 0 96 64"')
        const svg = await similarity(base64(drawing.svg), 'red heart')
        expect(Math.abs(svg - last)).toBeLessThan(0.02)
      }
      const { width, height } = drawing.preview
      expect(width / height).toBeCloseTo(1.5, 1)
    },
  )

  it('drawings of the same seed are the same', async () => {
    const input = {
      prompt: 'a house',
      generator: 'SHAPES',
      steps: 8,
      elements: 6,
      seed: 5,
      width: 64,
      height: 64,
    }
    const [a, b] = await Promise.all([finished(input), finished(input)])
    expect(a.drawing.svg).toBe(b.drawing.svg)
    const other = await finished({ ...input, seed: 6 })
    expect(other.drawing.svg).not.toBe(a.drawing.svg)
  })

  it.each(svgs.map((file) => [path.basename(file), file]))(
    'RECOLOUR keeps the structure of %s and uses the palette alone',
    async (_, file) => {
      const palette = ['#102030', '#f0e0d0', '#c03028', '#2860c0', '#30a050']
      const original = readFileSync(file, 'utf8')
      const input = {
        prompt: 'a red drawing',
        generator: 'RECOLOUR',
        steps: 12,
        palette,
        start: base64(original),
      }
      const { drawing } = await finished(input)
      expect(drawing.status).toBe('DONE')
      const colour = /(fill|stroke|stop-color)="(#[0-9a-fA-F]{3,8}|[a-z]+)"/g
      const used = [...drawing.svg.matchAll(colour)]
        .map((match: any) => match[2])
        .filter((value: string) => value.startsWith('#'))
      expect(used.length).toBeGreaterThan(0)
      for (const value of used) expect(palette).toContain(value.slice(0, 7))
      // Without their colours both are the same, but for the fill that the root may have been given.
      const bare = (svg: string) =>
        svg.replace(/^(<svg[^>]*?) fill="#[0-9a-f]+"/, '$1').replaceAll(colour, '$1=""')
      expect(bare(drawing.svg)).toBe(bare(original))
      expect(await similarity(base64(drawing.svg), 'a red drawing')).not.toBe(
        await similarity(base64(original), 'a red drawing'),
      )
    },
  )

  it('PIXELS starts from an image', async () => {
    const from = await testImage({ disc: 'blue' })
    const input = {
      prompt: 'a blue circle',
      generator: 'PIXELS',
      steps: 1,
      start: base64(from),
      width: 128,
      height: 128,
    }
    const { drawing } = await finished(input)
    const read = (bytes: Buffer) =>
      sharp(bytes).resize(16, 16, { fit: 'fill' }).removeAlpha().raw().toBuffer()
    const [a, b] = await Promise.all([read(from), read(Buffer.from(drawing.preview.base64, 'base64'))])
    const apart = a.reduce((sum, v, i) => sum + Math.abs(v - b[i]!), 0) / a.length
    expect(apart).toBeLessThan(25)
  })

  it('a drawing can be stopped, waiting or being made, and then ends its subscriptions', async () => {
    const input = { prompt: 'a house', generator: 'SHAPES', steps: 2000, width: 64, height: 64 }
    const [running, waiting] = [await begin(input), await begin(input)]
    const read = (async () => {
      const seen: Frame[] = []
      for await (const frame of frames(server.url, running)) seen.push(frame)
      return seen
    })()
    await new Promise((resolve) => setTimeout(resolve, 1500))
    expect(await stop(waiting)).toEqual({ drawing: { status: 'STOPPED', step: 0 }, userErrors: [] })
    expect((await stop(running)).drawing.status).toBe('STOPPED')
    expect((await read).at(-1)!.status).toBe('STOPPED')
    // Again: nothing changes.
    expect((await stop(running)).drawing.status).toBe('STOPPED')
  })

  it('a drawing that is stopped before its first step ends its subscription as STOPPED, without an image', async () => {
    const input = { prompt: 'a house', generator: 'SHAPES', steps: 2000, width: 64, height: 64 }
    const [running, waiting] = [await begin(input), await begin(input)]
    const read = async () => {
      const seen: Frame[] = []
      for await (const frame of frames(server.url, waiting)) seen.push(frame)
      return seen
    }
    const early = read()
    await new Promise((resolve) => setTimeout(resolve, 300))
    await stop(waiting)
    for (const seen of [await early, await read()])
      expect(seen.at(-1)).toMatchObject({
        status: 'STOPPED',
        step: 0,
        preview: null,
        loss: null,
        error: null,
      })
    expect((await early)[0]).toMatchObject({ status: 'QUEUED' })
    await stop(running)
  })

  it('drawings are listed newest first, by status, and counted', async () => {
    const input = { prompt: 'a house', generator: 'PIXELS', steps: 1, width: 16, height: 16 }
    const ids: string[] = []
    for (let n = 0; n < 3; n++) ids.push((await finished(input)).id)
    const document = `query ($after: String, $status: [DrawingStatus!]) { drawings(first: 2, after: $after, status: $status) {
      totalCount nodes { id status } edges { cursor node { id } } pageInfo { hasNextPage hasPreviousPage endCursor } } }`
    const first = (await server.query(document)).data.drawings
    expect(first.nodes.map(({ id }: any) => id)).toEqual([ids[2], ids[1]])
    expect(first.pageInfo).toMatchObject({ hasNextPage: true, hasPreviousPage: false })
    const second = (await server.query(document, { after: first.pageInfo.endCursor })).data.drawings
    expect(second.nodes[0].id).toBe(ids[0])
    const stopped = (await server.query(document, { status: 'STOPPED' })).data.drawings
    expect(stopped.totalCount).toBeLessThan(first.totalCount)
    for (const { status } of stopped.nodes) expect(status).toBe('STOPPED')
    const forged = await server.query(document, { after: 'x' })
    expect(forged).toMatchObject({ code: 'BAD_USER_INPUT', data: { drawings: null } })
  })

  it('drawings can be deleted, one that is being made too', async () => {
    const small = { prompt: 'a house', generator: 'PIXELS', width: 16, height: 16 }
    const done = (await finished({ ...small, steps: 1 })).id
    const running = await begin({ ...small, steps: 2000 })
    const { data } = await server.query(
      'mutation ($ids: [ID!]!) { deleteDrawings(input: { ids: $ids }) { deletedIds userErrors { field code message } } }',
      { ids: [done, 'run_none', running] },
    )
    expect(new Set(data.deleteDrawings.deletedIds)).toEqual(new Set([done, running]))
    expect(data.deleteDrawings.userErrors).toEqual([
      { field: ['input', 'ids', '1'], code: 'NOT_FOUND', message: 'There is no drawing "run_none".' },
    ])
    const { data: after } = await server.query(
      `{ a: drawing(id: "${done}") { id } b: node(id: "${running}") { id } }`,
    )
    expect(after).toEqual({ a: null, b: null })
  })

  it('a drawing lets embed through while it is made', async () => {
    const id = await begin({ prompt: 'a house', generator: 'STROKES', steps: 2000, width: 64, height: 64 })
    const times: number[] = []
    for (let i = 0; i < 10; i++) {
      const begun = performance.now()
      await server.query('query ($i: [ConceptInput!]!) { embed(inputs: $i) { __typename } }', {
        i: [{ text: `word ${i}` }],
      })
      times.push(performance.now() - begun)
    }
    expect(Math.max(...times)).toBeLessThan(2000)
    await stop(id)
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
    ['an empty prompt', { generator: 'SHAPES', prompt: ' ' }, /^input\.prompt: The text is empty/],
    ['weights of 0', { generator: 'SHAPES', prompt: null, prompts: [{ text: 'a', weight: 0 }] }, /sum to 0/],
    ['no prompts', { generator: 'SHAPES', prompt: null, prompts: [] }, /^Give input\.prompt, some words/],
    [
      'an image that is none',
      { generator: 'PIXELS', start: base64('nothing') },
      /input.start: This is not an image/,
    ],
    ['an unknown model', { generator: 'SHAPES', model: 'none' }, /no model "none"/],
  ])('startDrawing refuses %s, quickly', async (_, changes: any, message) => {
    const input = { prompt: 'a house', ...changes }
    if (typeof input.start === 'string') {
      const photo = await sharp(await testImage({ disc: 'red' }))
        .jpeg()
        .toBuffer()
      input.start = base64(input.start === 'photo' ? photo : photo.subarray(0, photo.length / 2))
    }
    const begun = performance.now()
    const { data, errors } = await start(input)
    expect(errors).toBeUndefined()
    const { drawing, userErrors } = data.startDrawing
    expect(drawing).toBeNull()
    expect(userErrors).toEqual([
      {
        field: expect.arrayContaining(['input']),
        code: expect.any(String),
        message: expect.stringMatching(message),
      },
    ])
    expect(performance.now() - begun).toBeLessThan(5000)
  })

  it.each([
    ['nonsense', ['nonsense'], /^input\.palette\[0\] is "nonsense", which is no hex colour/],
    ['nothing', [], /^input\.palette is empty/],
    ['65 colours', Array.from({ length: 65 }, () => '#fff'), /^input\.palette has 65 colours; at most 64/],
  ])('startDrawing names the palette, not the start, for a palette of %s', async (_, palette, message) => {
    const input = { prompt: 'a house', generator: 'SHAPES', palette }
    const [error] = (await start(input)).data.startDrawing.userErrors
    expect(error).toEqual({
      field: ['input', 'palette'],
      code: 'INVALID',
      message: expect.stringMatching(message),
    })
  })

  it('the queue takes no more drawings than it has places, however many come at once', async () => {
    const input = { prompt: 'a house', generator: 'PIXELS', steps: 2000, width: 32, height: 32 }
    const answers = await Promise.all(Array.from({ length: 70 }, () => start(input)))
    const ids = answers.flatMap(({ data }) => data.startDrawing?.drawing.id ?? [])
    expect(ids.length).toBe(64)
    for (const { status, code, message } of answers.filter(({ data }) => !data.startDrawing)) {
      expect({ status, code }).toEqual({ status: 503, code: 'OVERLOADED' })
      expect(message).toMatch(/queue of drawings/)
    }
    for (const id of ids.toReversed()) expect((await stop(id)).drawing.status).toBe('STOPPED')
  })

  it('a request that is sent again with its key starts no other drawing, also at the same time', async () => {
    const image = base64(await testImage({ disc: 'navy' }))
    const input = {
      ...{ prompts: [{ text: 'a house' }, { ...image, weight: 0.5 }], generator: 'SHAPES', steps: 3 },
      ...{ width: 32, height: 32, elements: 3, start: image, idempotencyKey: 'one-key' },
    }
    const ids = await Promise.all(Array.from({ length: 5 }, () => begin(input)))
    expect(new Set(ids).size).toBe(1)
    for await (const _ of frames(server.url, ids[0]!));
    // Written otherwise, the same input.
    const { data } = await start({ ...input, model: null, prompt: null })
    expect(data.startDrawing).toMatchObject({ drawing: { id: ids[0], status: 'DONE' }, userErrors: [] })
    const [one, other] = await testImages(2)
    const upload = async (bytes: Buffer, idempotencyKey: string) => {
      const file = new File([new Uint8Array(bytes)], 'start.png')
      const variables = { input: { ...input, start: { upload: null }, idempotencyKey } }
      return (await server.upload(startDocument, variables, { 'input.start.upload': file })).data.startDrawing
    }
    const uploaded = await upload(one!, 'of-a-file')
    expect((await upload(one!, 'of-a-file')).drawing.id).toBe(uploaded.drawing.id)
    for (const { drawing, userErrors } of [
      (await start({ ...input, seed: 9 })).data.startDrawing,
      (await start({ ...input, prompts: [{ text: 'a tree' }] })).data.startDrawing,
      await upload(other!, 'of-a-file'),
    ]) {
      expect(drawing).toBeNull()
      expect(userErrors).toEqual([
        {
          field: ['input', 'idempotencyKey'],
          code: 'CONFLICT',
          message: 'This key has started a drawing from another input. Take a new key for a new drawing.',
        },
      ])
    }
    expect(await begin({ ...input, seed: 9, idempotencyKey: 'another-key' })).not.toBe(ids[0])
  })

  it.each(['', ' ', 'ü', 'a\0', 'x'.repeat(256)])(
    'the key %j of a request is refused',
    async (idempotencyKey) => {
      const { data } = await start({ prompt: 'a', generator: 'SHAPES', idempotencyKey })
      expect(data.startDrawing).toMatchObject({
        drawing: null,
        userErrors: [{ field: ['input', 'idempotencyKey'], code: 'INVALID' }],
      })
    },
  )

  it('an unknown drawing is an error, not a silence', async () => {
    const subscribed = await server.query('subscription { drawing(id: "run_none") { step } }')
    expect(subscribed.message).toMatch(/no drawing/)
    expect(await stop('asset_1')).toEqual({
      drawing: null,
      userErrors: [
        { field: ['input', 'id'], code: 'NOT_FOUND', message: expect.stringMatching(/no drawing "asset_1"/) },
      ],
    })
    const { data } = await server.query('{ drawing(id: "run_none") { id } node(id: "run_none") { id } }')
    expect(data).toEqual({ drawing: null, node: null })
  })
})
