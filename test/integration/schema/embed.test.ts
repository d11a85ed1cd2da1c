import { rmSync } from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { cosine } from '../../support/cosine.ts'
import { svg, testImage, testImages } from '../../support/images.ts'
import { decode, modelTwin, type TestServer, testServer } from '../../support/server.ts'
import { writeTinyModel } from '../../support/tiny-model.ts'

let server: TestServer
beforeAll(async () => {
  server = await testServer(
    {},
    {
      prepare: (home) => {
        modelTwin(home, 'broken', {})
        rmSync(path.join(home, 'models', 'broken', 'onnx'), { recursive: true })
        writeTinyModel(path.join(home, 'models'), 'contradicted', { saysDimensions: 7 })
      },
    },
  )
})
afterAll(() => server?.close())

const embed = `query ($inputs: [ConceptInput!]!) { embed(inputs: $inputs) {
  __typename
  ... on Embedding { modality dimensions vector contentHash }
  ... on InputError { index code message }
} }`

describe('embed', () => {
  it('embed answers texts and images in the order of the inputs', async () => {
    const png = await testImage()
    const base64 = png.toString('base64')
    const { data } = await server.query(embed, {
      inputs: [{ text: 'a red disc' }, { base64 }, { base64: `data:image/png;base64,${base64}` }],
    })
    expect(data.embed.map((e: any) => e.modality)).toEqual(['TEXT', 'IMAGE', 'IMAGE'])
    const [, raw, uri] = data.embed
    expect(raw).toEqual(uri)
    const vector = decode(raw.vector)
    expect(vector).toHaveLength(raw.dimensions)
    expect(cosine(vector, vector)).toBeCloseTo(1, 5)
  })

  it('embed encodes the good inputs of a mixed request and says what is wrong with the others', async () => {
    const [one, two] = await testImages(2)
    const { status, data } = await server.upload(
      embed,
      {
        inputs: [
          { text: 'a house' },
          { upload: null },
          { upload: null },
          { upload: null },
          { upload: null },
          { url: `${server.url}/files/x.png` },
        ],
      },
      {
        'inputs.1.upload': new File([new Uint8Array(one!)], 'one.png', { type: 'image/png' }),
        'inputs.2.upload': new File([new Uint8Array(two!)], 'two.png', { type: 'image/png' }),
        'inputs.3.upload': new File([new Uint8Array(one!.subarray(0, one!.length >> 1))], 'cut.png', {
          type: 'image/png',
        }),
        'inputs.4.upload': new File(['Dear diary, I am no image.'], 'letter.jpg', { type: 'image/jpeg' }),
      },
    )
    expect(status).toBe(200)
    expect(data.embed.map((e: any) => e.code ?? e.__typename)).toEqual([
      'Embedding',
      'Embedding',
      'Embedding',
      'UNREADABLE_IMAGE',
      'UNSUPPORTED_FORMAT',
      'URL_FORBIDDEN',
    ])
    expect(data.embed.slice(3).map((e: any) => e.index)).toEqual([3, 4, 5])
  })

  it('embed encodes an SVG', async () => {
    const { data } = await server.query(embed, {
      inputs: [{ base64: Buffer.from(svg()).toString('base64') }],
    })
    expect(data.embed[0].__typename).toBe('Embedding')
  })

  it('embed returns a given vector, normalised, and refuses one of another length', async () => {
    const { data: first } = await server.query(embed, { inputs: [{ text: 'a tree' }] })
    const { vector } = first.embed[0]
    const twice = Float32Array.from(decode(vector), (x) => 2 * x)
    const { data } = await server.query(embed, {
      inputs: [
        { vector },
        { vector: Buffer.from(twice.buffer).toString('base64') },
        { vector: 'AACAPw==' },
        { vector: 'no!' },
      ],
    })
    expect(cosine(decode(data.embed[0].vector), decode(vector))).toBeCloseTo(1, 5)
    expect(cosine(decode(data.embed[1].vector), decode(vector))).toBeCloseTo(1, 5)
    expect(data.embed[2]).toMatchObject({ code: 'WRONG_DIMENSIONS', message: expect.stringContaining('256') })
    expect(data.embed[3].code).toBe('INVALID')
  })

  it('embed answers EMPTY, TOO_LARGE and NOT_FOUND in their places', async () => {
    const { data } = await server.query(embed, {
      inputs: [{ text: '  ' }, { text: 'x'.repeat(10_001) }, { assetId: 'asset_nowhere' }, { base64: '' }],
    })
    expect(data.embed.map((e: any) => e.code)).toEqual(['EMPTY', 'TOO_LARGE', 'NOT_FOUND', 'EMPTY'])
  })

  it('an embedding has half floats, values and similarities on request', async () => {
    const { data } =
      await server.query(`{ embed(inputs: [{ text: "a cat" }, { text: "a dog" }]) { ... on Embedding {
      values vector(format: FLOAT16) same: similarity(to: { text: "a cat" }) } } }`)
    const [cat, dog] = data.embed
    expect(Buffer.from(cat.vector, 'base64')).toHaveLength(512)
    expect(cat.same).toBeCloseTo(1, 4)
    expect(dog.same).toBeCloseTo(cosine(cat.values, dog.values), 4)
  })

  it('the concepts of a request are encoded together and none twice', async () => {
    const { encoder } = server.app.services
    const before = encoder.stats()
    const texts = Array.from({ length: 8 }, (_, n) => ({ text: `something new ${n % 4}` }))
    await server.query(
      `query ($inputs: [ConceptInput!]!) {
      a: embed(inputs: $inputs) { __typename }
      b: embed(inputs: $inputs) { ... on Embedding { similarity(to: { text: "something new 0" }) } }
    }`,
      { inputs: texts },
    )
    const after = encoder.stats()
    expect(after.encoded - before.encoded).toBe(4)
  })

  it('embed refuses a whole request only for a fault of the whole', async () => {
    const unknown = await server.query('{ embed(inputs: [{ text: "a" }], model: "nope") { __typename } }')
    expect(unknown).toMatchObject({ status: 200, code: 'MODEL_NOT_FOUND' })
    const many = await server.query(embed, { inputs: Array.from({ length: 257 }, () => ({ text: 'a' })) })
    expect(many).toMatchObject({
      status: 200,
      code: 'BAD_USER_INPUT',
      message: expect.stringMatching(/257.*256/),
    })
    const two = await server.query(embed, { inputs: [{ text: 'a', assetId: 'b' }] })
    expect(two.code).toBe('BAD_USER_INPUT')
    const to = await server.query(
      '{ embed(inputs: [{ text: "a" }]) { ... on Embedding { similarity(to: { text: "" }) } } }',
    )
    expect(to).toMatchObject({ status: 200, code: 'BAD_USER_INPUT', message: expect.stringContaining('to:') })
    expect(to.data).toEqual({ embed: [{ similarity: null }] })
  })
})

describe('models', () => {
  it('models lists the models of the server', async () => {
    const { data } = await server.query(
      '{ models { id dimensions imageSize maxTokens isDefault provider revision licence canGuide } }',
    )
    expect(data.models).toContainEqual(
      expect.objectContaining({
        id: 'limn-icons',
        dimensions: 256,
        imageSize: 64,
        maxTokens: 24,
        isDefault: true,
        canGuide: true,
      }),
    )
  })

  it('a model whose folder is broken is refused by name, without the others', async () => {
    const answer = await server.query('{ embed(inputs: [{ text: "a" }], model: "broken") { __typename } }')
    expect(answer).toMatchObject({
      status: 200,
      code: 'MODEL_NOT_FOUND',
      message: expect.stringContaining('`limn models verify broken`'),
    })
    expect(answer.message).not.toContain('/')
  })

  it('a model that does not load is refused by name, and cannot guide', async () => {
    const canGuide = async () => {
      const { data } = await server.query('{ models { id canGuide } }')
      return data.models.find(({ id }: { id: string }) => id === 'contradicted')?.canGuide
    }
    expect(await canGuide()).toBe(true)
    const answer = await server.query(
      '{ embed(inputs: [{ text: "a" }], model: "contradicted") { __typename } }',
    )
    expect(answer).toMatchObject({
      status: 200,
      code: 'MODEL_NOT_FOUND',
      message: expect.stringContaining('`limn models verify contradicted`'),
    })
    expect(await canGuide()).toBe(false)
  })

  it('a model is a node', async () => {
    const { data } = await server.query(
      '{ node(id: "limn-icons") { id ... on Model { dimensions } } nodes(ids: ["nope", "limn-icons"]) { __typename } }',
    )
    expect(data).toEqual({
      node: { id: 'limn-icons', dimensions: 256 },
      nodes: [null, { __typename: 'Model' }],
    })
  })
})
