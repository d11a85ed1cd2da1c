import { spawn } from 'node:child_process'
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, truncate, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { progressOn } from '../../../api/cli/shared/progress.ts'
import { writeTinyModel } from '../../support/tiny-model.ts'
import { startHub } from './hub-server.ts'

const root = fileURLToPath(new URL('../../../', import.meta.url))
const bundled = path.join(root, 'workers/models/limn-icons')
let temporary: string
beforeAll(async () => {
  temporary = await mkdtemp(path.join(os.tmpdir(), 'limn-models-'))
})
afterAll(() => rm(temporary, { recursive: true, force: true }))

const home = () => mkdtemp(path.join(temporary, 'home-'))

/** `limn models ...` as it is typed. */
async function limn(LIMN_HOME: string, args: string[], env: Record<string, string> = {}) {
  const child = spawn(process.execPath, ['api/limn.ts', 'models', ...args], {
    cwd: root,
    env: { PATH: process.env.PATH, LIMN_HOME, HF_HOME: LIMN_HOME, LIMN_PROVIDER: 'cpu', ...env },
  })
  let [out, err] = ['', '']
  child.stdout.on('data', (chunk) => (out += chunk))
  child.stderr.on('data', (chunk) => (err += chunk))
  const status = await new Promise((resolve) => child.once('close', resolve))
  return { status, out, err }
}

async function filesOf(folder: string): Promise<Record<string, Buffer>> {
  const files: Record<string, Buffer> = {}
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const file = path.join(entry.parentPath, entry.name)
    if (entry.isFile() && entry.name !== 'references.json')
      files[path.relative(folder, file)] = await readFile(file)
  }
  return files
}

/** A folder as the Hugging Face tools keep it: links to files that are named by their digests. */
async function linked(source: string, blobs: string, target: string): Promise<void> {
  await mkdir(blobs, { recursive: true })
  for (const [n, [file, content]] of Object.entries(await filesOf(source)).entries()) {
    await writeFile(path.join(blobs, String(n)), content)
    await mkdir(path.dirname(path.join(target, file)), { recursive: true })
    await symlink(path.join(blobs, String(n)), path.join(target, file))
  }
}

describe('limn models', () => {
  test('limn models ls shows the models and which are broken', async () => {
    const LIMN_HOME = await home()
    await cp(bundled, path.join(LIMN_HOME, 'models/me/copy'), { recursive: true })
    await cp(bundled, path.join(LIMN_HOME, 'models/broken'), { recursive: true })
    await writeFile(path.join(LIMN_HOME, 'models/broken/config.json'), '{"model_type": "bert"}')
    const { status, out, err } = await limn(LIMN_HOME, ['ls'])
    expect(status).toBe(1)
    expect(out).toMatch(/^\* limn-icons +256 +64 px +24 +fp32 +15\.\d MB +mit +[0-9a-f]{16} +bundled$/m)
    expect(out).toMatch(/^ {2}me\/copy +256/m)
    expect(err).toMatch(/broken: .*model_type "bert"/)
  })

  test('limn models uses the models of the Hugging Face cache where they lie and writes nothing there', async () => {
    const [LIMN_HOME, HF_HOME] = [await home(), await home()]
    const repository = path.join(HF_HOME, 'hub/models--someone--icons')
    const snapshot = path.join(repository, 'snapshots/0123abcd')
    await mkdir(path.join(repository, 'refs'), { recursive: true })
    await writeFile(path.join(repository, 'refs/main'), '0123abcd')
    await linked(bundled, path.join(repository, 'blobs'), snapshot)
    // A language model, as other programs have it.
    const other = path.join(HF_HOME, 'hub/models--else--words')
    await mkdir(path.join(other, 'refs'), { recursive: true })
    await writeFile(path.join(other, 'refs/main'), 'ffff')
    await mkdir(path.join(other, 'snapshots/ffff'), { recursive: true })
    await writeFile(path.join(other, 'snapshots/ffff/config.json'), '{"model_type": "llama"}')
    const before = await readdir(HF_HOME, { recursive: true })

    const ls = await limn(LIMN_HOME, ['ls'], { HF_HOME, LIMN_MODEL: 'someone/icons' })
    expect(ls).toMatchObject({ status: 0, err: '' })
    expect(ls.out).toMatch(new RegExp(`^\\* someone/icons +256 .*${snapshot}$`, 'm'))
    expect(ls.out).not.toContain('words')
    const verified = await limn(LIMN_HOME, ['verify', 'someone/icons'], { HF_HOME })
    expect(verified).toMatchObject({
      status: 0,
      out: expect.stringMatching(/^✓ someone\/icons fp32 encodes/),
    })
    expect(await readdir(HF_HOME, { recursive: true })).toEqual(before)
  })

  test('limn models pull asks no hub with HF_HUB_OFFLINE', async () => {
    const { status, err } = await limn(await home(), ['pull', 'someone/icons'], {
      ...{ HF_HUB_OFFLINE: '1', HF_ENDPOINT: 'http://127.0.0.1:9' },
    })
    expect({ status, err }).toEqual({ status: 1, err: expect.stringMatching(/^HF_HUB_OFFLINE is set/) })
  })

  test('limn models pull loads a gated model from HF_ENDPOINT with HF_TOKEN', async () => {
    await using hub = await startHub('someone/icons', await filesOf(bundled))
    hub.token = 'hf_secret'
    const env = { HF_ENDPOINT: hub.url, LIMN_VARIANT: 'fp32' }
    const without = await limn(await home(), ['pull', 'someone/icons'], env)
    expect(without).toMatchObject({ status: 1, err: expect.stringContaining('Set HF_TOKEN') })
    const wrong = await limn(await home(), ['pull', 'someone/icons'], { ...env, HF_TOKEN: 'hf_other' })
    expect(wrong.err).toMatch(/does not give out "someone\/icons" to the owner of HF_TOKEN \(status 401\)/)
    const pulled = await limn(await home(), ['pull', 'someone/icons'], { ...env, HF_TOKEN: 'hf_secret' })
    expect(pulled).toMatchObject({ status: 0 })
    for (const { out, err } of [wrong, pulled]) expect(out + err).not.toMatch(/hf_(secret|other)/)
  })

  test('limn models pull records references, and limn models verify notices a change', async () => {
    const LIMN_HOME = await home()
    await using hub = await startHub('someone/icons', await filesOf(bundled))
    const pulled = await limn(LIMN_HOME, ['pull', 'someone/icons'], { LIMN_HUB_URL: hub.url })
    expect(pulled).toMatchObject({ status: 0 })
    expect(pulled.err).toMatch(/someone\/icons █+ 100 %, 15\.\d MB of 15\.\d MB/)
    expect(pulled.out).toMatch(/fp32, every checksum agrees/)
    expect(pulled.out).toMatch(/references recorded on the CPU/)
    expect(pulled.out).toMatch(/LIMN_MODEL=someone\/icons/)

    const same = await limn(LIMN_HOME, ['verify', 'someone/icons'])
    expect(same.out).toMatch(/^✓ someone\/icons fp32 on cpu: lowest cosine 1\.00000/m)
    expect(same.status).toBe(0)

    const config = path.join(LIMN_HOME, 'models/someone/icons/preprocessor_config.json')
    const changed = JSON.parse(await readFile(config, 'utf8'))
    await writeFile(config, JSON.stringify({ ...changed, image_mean: [0, 0, 0], image_std: [1, 1, 1] }))
    const different = await limn(LIMN_HOME, ['verify', 'someone/icons'])
    expect(different.status).toBe(1)
    expect(different.out).toMatch(/preprocessor_config\.json has changed/)
    expect(different.out).toMatch(/image .*\.png has cosine 0\.\d+ with its reference; 0\.999 is needed/)
  })

  test('limn models verify without a name goes through all models, and ls then shows which do not load', async () => {
    const LIMN_HOME = await home()
    const models = path.join(LIMN_HOME, 'models')
    expect(await limn(LIMN_HOME, ['verify'])).toMatchObject({
      status: 0,
      out: expect.stringMatching(/^✓ limn-icons fp32 on cpu: lowest cosine (1\.0000|0\.9999)\d \(.*\)\n$/),
    })

    await mkdir(path.join(models, 'an-empty-one'), { recursive: true })
    writeTinyModel(models, 'bad-dimensions', { saysDimensions: 7 })
    const odd = { model: { type: 'Odd', vocab: { '[PAD]': 0 } } }
    writeTinyModel(models, 'bad-tokenizer', { tokenizer: odd })
    writeTinyModel(models, 'cut')
    await truncate(path.join(models, 'cut/onnx/text_model.onnx'), 1000)
    writeTinyModel(models, 'sound')
    expect((await limn(LIMN_HOME, ['ls'])).out).toMatch(/^ {2}bad-dimensions .*[0-9a-f]{16}$/m)
    const all = await limn(LIMN_HOME, ['verify'])
    expect(all.status).toBe(1)
    const lines = all.out.split('\n').filter((line) => /^[✓✗]/.test(line))
    expect(lines).toEqual([
      '✗ an-empty-one: There is no config.json.',
      expect.stringMatching(/^✗ bad-dimensions fp32: .* 7 dimensions, \w+_model\.onnx gives 6\.$/),
      expect.stringMatching(/^✗ bad-tokenizer fp32: tokenizer\.json with tokenizer_config\.json makes no/),
      expect.stringMatching(/^✗ cut: text_model\.onnx is no ONNX file, or one that is cut off/),
      expect.stringMatching(/^✓ limn-icons fp32 on cpu/),
      expect.stringMatching(/^✓ sound fp32 on cpu/),
    ])
    // Its weights are random.
    expect(all.out).toMatch(/^ {2}sound gets no relevance: its cosines hardly tell .* AUROC 0\.\d+/m)
    const one = await limn(LIMN_HOME, ['verify', 'cut'])
    expect(one).toMatchObject({ status: 1, out: `${lines[3]}\n`, err: '' })

    const { out, err, status } = await limn(LIMN_HOME, ['ls'])
    expect(status).toBe(1)
    expect(out).toMatch(/^ {2}bad-dimensions .*does not load$/m)
    expect(out).toMatch(/^ {2}sound .*[0-9a-f]{16}$/m)
    expect(err).toMatch(/^✗ an-empty-one: There is no config\.json/m)
    expect(err).toMatch(/^✗ bad-dimensions: it did not load when last tried: .* 7 dimensions/m)
  })

  test('a command that fails prints one plain line and has status 1', async () => {
    const LIMN_HOME = await home()
    await using hub = await startHub('someone/icons', {})
    const env = { LIMN_HUB_URL: hub.url }
    const missing = await limn(LIMN_HOME, ['pull', 'someone/else'], env)
    expect(missing).toMatchObject({
      status: 1,
      err: expect.stringMatching(/^There is no model "someone\/else" on http/),
    })
    expect(missing.err.trim().split('\n')).toHaveLength(1)
    expect((await limn(LIMN_HOME, ['verify', 'nothing'])).err).toMatch(/There is no model "nothing" here/)
  })

  test.each([
    [['pull', 'a/b', '--precision', 'fp8'], /^There is no precision "fp8"; known are fp32, /],
    [['optimize', 'limn-icons', '--for', 'tpu'], /^--for takes cpu or gpu, not "tpu"\.$/m],
    [['ls', '--wide'], /^Unknown option '--wide'/],
    [['fetch'], /^limn models ls /],
    [['ls', 'limn-icons'], /^limn models ls /],
  ])('limn models %j is a usage error: one message on stderr and status 2', async (args, message) => {
    const { status, out, err } = await limn(await home(), args)
    expect({ status, out }).toEqual({ status: 2, out: '' })
    expect(err).toMatch(message)
  })
})

describe('progress', () => {
  const record = (isTTY: boolean) => {
    const written: string[] = []
    return { written, output: { isTTY, columns: 60, write: (text: string) => written.push(text) } }
  }

  test('progress on a terminal is one line that fits', () => {
    const { written, output } = record(true)
    const progress = progressOn(output, 'model')
    for (let done = 0; done <= 5_000_000; done += 100_000) progress.update(done, 5_000_000)
    progress.end()
    const text = written.join('')
    expect(text.split('\n')).toHaveLength(2)
    expect(text).toContain('100 %, 5.0 MB of 5.0 MB')
    for (const line of text.split('\r\x1b[K')) expect(line.trimEnd().length).toBeLessThan(60)
  })

  test('progress elsewhere is a line each tenth', () => {
    const { written, output } = record(false)
    const progress = progressOn(output, 'model')
    for (let done = 0; done <= 1000; done++) progress.update(done, 1000)
    progress.end()
    expect(written).toHaveLength(11)
    expect(written.join('')).not.toContain('\r')
  })
})
