import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { LocalEncoder } from '../../../workers/encode/local-encoder.ts'
import { GraphBuilder } from '../../../workers/onnx/writer.ts'
import { type PullOptions, pullModel } from '../../../workers/registry/hub/pull.ts'
import { ModelRegistry } from '../../../workers/registry/registry.ts'
import { testGraph } from '../../support/graphs.ts'
import { startHub, type TestHub } from './hub-server.ts'

const bundledFolder = fileURLToPath(new URL('../../../workers/models/', import.meta.url))
const model = 'someone/icons-copy'
let root: string
/** A real model, and graphs of other precisions that hold nothing but weights. */
let files: Record<string, Buffer>
const heavy = 'onnx/vision_model_fp16.onnx'

beforeAll(async () => {
  root = await mkdtemp(path.join(os.tmpdir(), 'limn-pull-'))
  files = {}
  const source = path.join(bundledFolder, 'limn-icons')
  for (const entry of await readdir(source, { recursive: true, withFileTypes: true }))
    if (entry.isFile()) {
      const file = path.join(entry.parentPath, entry.name)
      files[path.relative(source, file)] = await readFile(file)
    }
  files[heavy] = graph(200_000, 'vision_model_fp16.onnx_data', 50_000)
  files[`${heavy}_data`] = randomBytes(50_000)
  files['onnx/text_model_fp16.onnx'] = graph(30_000)
  files['pytorch_model.bin'] = randomBytes(5000)
})
afterAll(() => rm(root, { recursive: true, force: true }))

/** `bytes` of weights inside, and more in a file beside it. */
function graph(bytes: number, location?: string, length = 0): Buffer {
  const g = new GraphBuilder()
  g.floats(new Float32Array(new Uint8Array(randomBytes(bytes)).buffer), [bytes / 4])
  const outside = { location, offset: 0, length }
  if (location)
    g.graph.initializer!.push({
      ...{ name: 'outside', dataType: 1, dims: [length / 4], dataLocation: 1 },
      externalData: Object.entries(outside).map(([key, value]) => ({ key, value: String(value) })),
    })
  return Buffer.from(g.encode([], []))
}

async function place(): Promise<string> {
  return mkdtemp(path.join(root, 'models-'))
}

const registry = (homeFolder: string) =>
  new ModelRegistry({
    bundledFolder: path.join(root, 'none'),
    homeFolder,
    cacheFolder: path.join(homeFolder, '..', 'cache'),
    defaultModel: model,
  })

const pull = (hub: TestHub, registryFolder: string, options: Partial<PullOptions> = {}) =>
  pullModel({ name: model, hubUrl: hub.url, registryFolder, precision: 'fp16', retryDelayMs: 5, ...options })

const names = async (folder: string) => (await registry(folder).list()).map(({ name }) => name)

async function expectWhole(folder: string) {
  for (const file of [heavy, `${heavy}_data`, 'onnx/text_model_fp16.onnx', 'config.json', 'tokenizer.json'])
    expect((await readFile(path.join(folder, model, file))).equals(files[file]!)).toBe(true)
}

describe('a pull', () => {
  test('a pull brings a model that encodes, and only the files that it needs', async () => {
    await using hub = await startHub(model, files)
    const folder = await place()
    const seen: number[] = []
    const pulled = await pull(hub, folder, {
      precision: null,
      onProgress: ({ received, total }) => seen.push(received / total),
    })
    expect(pulled).toMatchObject({ name: model, precision: 'fp32', folder: path.join(folder, model) })
    expect(seen.every((share, i) => i === 0 || share >= seen[i - 1]!)).toBe(true)
    expect(seen.at(-1)).toBe(1)
    expect(existsSync(path.join(folder, model, heavy))).toBe(false)
    expect(existsSync(path.join(folder, model, 'pytorch_model.bin'))).toBe(false)
    const found = registry(folder)
    expect(await found.get(model)).toMatchObject({ licence: 'mit', bundled: false })
    const encoder = new LocalEncoder({ registry: found, cacheFolder: root, provider: 'cpu' })
    try {
      await encoder.ready()
    } finally {
      await encoder.close()
    }
  })

  test('a pull resumes where the line was cut', async () => {
    await using hub = await startHub(model, files)
    hub.faults.cut.set(heavy, [70_000, 50_000])
    const folder = await place()
    await pull(hub, folder)
    await expectWhole(folder)
    const asked = hub.requests.filter(
      (line) => line.startsWith(`GET /cdn/${heavy} `) || line === `GET /cdn/${heavy}`,
    )
    expect(asked).toHaveLength(3)
    const offsets = asked.map((line) => Number(line.match(/bytes=(\d+)-/)?.[1] ?? 0))
    expect(offsets[1]).toBeGreaterThan(0)
    expect(offsets[2]).toBeGreaterThan(offsets[1]!)
  })

  test('a pull starts a file over where the hub knows no ranges', async () => {
    await using hub = await startHub(model, files)
    hub.faults.ignoreRange = true
    hub.faults.cut.set(heavy, [70_000])
    const folder = await place()
    await pull(hub, folder)
    await expectWhole(folder)
  })

  test('a pull tries again while the hub is busy', async () => {
    await using hub = await startHub(model, files)
    hub.faults.busy = 3
    const folder = await place()
    await pull(hub, folder)
    await expectWhole(folder)
  })

  test('a pull that is killed leaves no model, and the next one resumes it', async () => {
    await using hub = await startHub(model, files)
    hub.faults.slow.set(heavy, 100_000)
    const folder = await place()
    const script = `import { pullModel } from ${JSON.stringify(new URL('../../../workers/registry/hub/pull.ts', import.meta.url).href)}
await pullModel(${JSON.stringify({ name: model, hubUrl: hub.url, registryFolder: folder, precision: 'fp16' })})`
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: 'inherit' })
    const draft = path.join(folder, '.partial', model, heavy)
    const size = () =>
      readFile(draft).then(
        ({ length }) => length,
        () => 0,
      )
    while ((await size()) < 20_000) {
      expect(child.exitCode).toBeNull()
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
    const ended = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGKILL')
    await ended
    expect(await names(folder)).toEqual([])
    expect(await registry(folder).problems()).toEqual([])
    hub.faults.slow.clear()
    hub.requests.length = 0
    await pull(hub, folder)
    await expectWhole(folder)
    const again = hub.requests.find((line) => line.startsWith(`GET /cdn/${heavy} `))
    expect(Number(again?.match(/bytes=(\d+)-/)?.[1])).toBeGreaterThanOrEqual(20_000)
  })

  test('a pull of another precision replaces the model and takes over the files that are the same', async () => {
    await using hub = await startHub(model, files)
    const folder = await place()
    await pull(hub, folder, { precision: 'fp32' })
    // As a cut pull of a third precision leaves it.
    await mkdir(path.join(folder, '.partial', model, 'onnx'), { recursive: true })
    await writeFile(path.join(folder, '.partial', model, 'onnx/vision_model_int8.onnx'), 'half')
    hub.requests.length = 0
    await pull(hub, folder)
    await expectWhole(folder)
    expect(hub.requests.some((line) => line.includes('tokenizer.json'))).toBe(false)
    expect(await readdir(path.join(folder, model, 'onnx'))).toEqual(
      [heavy, `${heavy}_data`, 'onnx/text_model_fp16.onnx'].map((file) => path.basename(file)).sort(),
    )
  })

  test('a pull can be stopped', async () => {
    await using hub = await startHub(model, files)
    hub.faults.slow.set(heavy, 100_000)
    const folder = await place()
    const stop = new AbortController()
    const pulling = pull(hub, folder, {
      signal: stop.signal,
      onProgress: ({ file, received }) => file === heavy && received > 0 && stop.abort(new Error('stopped')),
    })
    await expect(pulling).rejects.toThrow('stopped')
    expect(await names(folder)).toEqual([])
  })
})

describe('a pull of weights in files of their own', () => {
  const named = (...locations: string[]): Record<string, Buffer> => ({
    ...files,
    'onnx/vision_model_fp16.onnx': testGraph({
      external: locations.map((location) => ({ location, length: 4000 })),
    }),
  })

  test('a pull brings the files that the graphs name, whatever they are called, and no others', async () => {
    const wanted = ['weights.bin', 'vision_model_fp16.onnx.data', 'sub/folder/w_1.data']
    const all: Record<string, Buffer> = {
      ...named(...wanted),
      'onnx/other.bin': randomBytes(4000),
      'weights.bin': randomBytes(4000),
    }
    for (const file of wanted) all[`onnx/${file}`] = randomBytes(4000)
    await using hub = await startHub(model, all)
    const folder = await place()
    const seen: [number, number][] = []
    const { bytes } = await pull(hub, folder, {
      onProgress: ({ received, total }) => seen.push([received, total]),
    })
    const entries = await readdir(path.join(folder, model), { recursive: true, withFileTypes: true })
    const found = entries.filter((entry) => entry.isFile())
    for (const file of wanted)
      expect((await readFile(path.join(folder, model, 'onnx', file))).equals(all[`onnx/${file}`]!)).toBe(true)
    expect(found.map(({ name }) => name)).not.toContain('other.bin')
    expect(existsSync(path.join(folder, model, 'weights.bin'))).toBe(false)
    expect(seen.at(-1)).toEqual([bytes, bytes])
  })

  test('a pull checks every byte of them', async () => {
    const all: Record<string, Buffer> = { ...named('weights.bin'), 'onnx/weights.bin': randomBytes(4000) }
    await using hub = await startHub(model, all)
    all['onnx/weights.bin'] = randomBytes(4000)
    await expect(pull(hub, await place())).rejects.toThrow(/onnx\/weights\.bin .* does not have the checksum/)
  })

  test.each([
    [
      'that the hub lacks',
      'weights.bin',
      /lacks onnx\/weights\.bin, which has the weights of onnx\/vision_model_fp16/,
    ],
    ['outside of their folder', '../weights.bin', /"\.\.\/weights\.bin", which is outside of its folder/],
  ])('a pull refuses weights %s', async (_, location, message) => {
    await using hub = await startHub(model, { ...named(location), 'weights.bin': randomBytes(4000) })
    const folder = await place()
    await expect(pull(hub, folder)).rejects.toThrow(message)
    expect(await names(folder)).toEqual([])
  })
})

describe('a pull that fails', () => {
  test('a pull refuses a file whose checksum does not agree', async () => {
    await using hub = await startHub(model, files)
    const honest = files[heavy]!
    files[heavy] = Buffer.from(honest)
    files[heavy]![1000]! ^= 1
    const folder = await place()
    try {
      await expect(pull(hub, folder)).rejects.toThrow(/vision_model_fp16\.onnx .* does not have the checksum/)
    } finally {
      files[heavy] = honest
    }
    expect(await names(folder)).toEqual([])
    await pull(hub, folder)
    await expectWhole(folder)
  })

  test('a pull downloads drafts of an older version anew', async () => {
    await using hub = await startHub(model, files)
    const folder = await place()
    const draft = path.join(folder, '.partial', model, heavy)
    await mkdir(path.dirname(draft), { recursive: true })
    await writeFile(draft, randomBytes(90_000))
    await pull(hub, folder)
    await expectWhole(folder)
  })

  test('a token goes to the hub alone, not to the origin that it redirects to', async () => {
    await using hub = await startHub(model, files)
    await using store = await startHub(model, files)
    hub.token = 'hf_secret'
    hub.elsewhere = store.url
    await pull(hub, await place(), { token: 'hf_secret' })
    expect(hub.withToken.length).toBeGreaterThan(0)
    expect(store.requests.length).toBeGreaterThan(0)
    expect(store.withToken).toEqual([])
  })

  test.each([
    [404, /There is no model "someone\/icons-copy"/],
    [401, /private or gated/],
    [403, /private or gated/],
    [500, /status 500/],
  ])('status %i of the hub is an error that says why', async (status, message) => {
    await using hub = await startHub(model, files)
    hub.faults.status = status
    await expect(pull(hub, await place(), { retries: 1 })).rejects.toThrow(message)
  })

  test('a hub that is not there is an error that names the setting', async () => {
    const hub = await startHub(model, files)
    await hub[Symbol.asyncDispose]()
    await expect(pull(hub, await place(), { retries: 1 })).rejects.toThrow(
      /cannot be reached \(ECONNREFUSED\).*LIMN_HUB_URL/,
    )
  })

  test('a pull gives up a connection over which nothing comes', async () => {
    await using hub = await startHub(model, files)
    hub.faults.slow.set(heavy, 1)
    await expect(pull(hub, await place(), { retries: 0, stallMs: 200 })).rejects.toThrow(
      /nothing came for 0.2 s/,
    )
  })

  test('a pull names the ONNX files that are there when none is of the wanted precision', async () => {
    await using hub = await startHub(model, files)
    await expect(pull(hub, await place(), { precision: 'q4' })).rejects.toThrow(
      /no q4 ONNX files .* found onnx\/text_model\.onnx/,
    )
  })

  test('a pull of a model that Limn cannot use downloads no weights', async () => {
    const config = Buffer.from(JSON.stringify({ model_type: 'bert' }))
    await using hub = await startHub(model, { ...files, 'config.json': config })
    await expect(pull(hub, await place())).rejects.toThrow(/model_type "bert"/)
    expect(hub.requests.some((line) => line.includes('.onnx'))).toBe(false)
  })

  test('a pull refuses names that lead out of the registry', async () => {
    await using hub = await startHub(model, files)
    for (const name of ['../x', 'a/../b', '.partial', 'a/b/c', '/etc', 'a b', ''])
      await expect(pull(hub, await place(), { name })).rejects.toThrow(/is no model name/)
    expect(hub.requests).toEqual([])
  })

  test('a second pull of the same model at the same time is refused', async () => {
    await using hub = await startHub(model, files)
    hub.faults.slow.set(heavy, 200_000)
    const folder = await place()
    const first = pull(hub, folder)
    while (!existsSync(path.join(folder, '.partial', model, heavy)))
      await new Promise((resolve) => setTimeout(resolve, 5))
    await expect(pull(hub, folder)).rejects.toThrow(/is being pulled by process/)
    await first
    await expectWhole(folder)
  })
})
