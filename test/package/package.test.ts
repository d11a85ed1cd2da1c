/** The package as npm hands it out: packed, installed into an empty folder, and used from there. */
import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { bytesBelow, maxMegabytes } from '../../build/sizes.ts'
import { readLock } from '../../prisma/home-lock.ts'

const run = promisify(execFile)
const checkout = path.resolve('.')
const platform = `${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`
const svg =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8"><circle cx="4" cy="4" r="3" fill="red"/></svg>'

let root: string
let tarball: string
let started: ChildProcess[] = []
beforeAll(() => {
  root = mkdtempSync(path.join(os.tmpdir(), 'limn-package-'))
  execFileSync('npm', ['pack', '--silent', '--pack-destination', root], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  tarball = path.join(root, readdirSync(root).find((file) => file.endsWith('.tgz'))!)
}, 300_000)
afterEach(() => {
  for (const { pid } of started)
    try {
      process.kill(-pid!, 'SIGKILL')
    } catch {
      // It has ended.
    }
  started = []
})
afterAll(() => rm(root, { recursive: true, force: true }), 300_000)

/** A folder of its own with packages in it. The environment is that of a user: nothing of this checkout is in PATH. */
async function install(
  name: string,
  packages: string[],
  args: string[] = [],
  env: Record<string, string> = {},
) {
  const folder = path.join(root, name)
  mkdirSync(folder)
  writeFileSync(path.join(folder, 'package.json'), '{ "type": "module" }')
  // Else ONNX Runtime's script downloads the files for CUDA.
  const skip = { ONNXRUNTIME_NODE_INSTALL: 'skip', npm_config_loglevel: 'error' }
  await run('npm', ['install', ...args, ...packages], {
    cwd: folder,
    env: { ...process.env, ...skip, ...env },
  })
  return folder
}

/** An older Node, as the host of the package. */
async function nodeOf(major: number): Promise<string> {
  const folder = await install(`node-${major}`, [`node-${platform}@${major}`], ['--ignore-scripts'])
  return path.join(folder, 'node_modules', `node-${platform}`, 'bin', 'node')
}

const userEnv = (home: string) => ({
  PATH: (process.env.PATH ?? '')
    .split(path.delimiter)
    .filter((entry) => !entry.startsWith(checkout))
    .concat(path.dirname(process.execPath))
    .join(path.delimiter),
  HOME: home,
  LIMN_PROVIDER: 'cpu',
  LIMN_VARIANT: 'fp32',
  LIMN_SAMPLES: 'false',
})

/** `npx limn ...` in a folder. */
const limn = (folder: string, ...args: string[]) =>
  run('npx', ['--no-install', 'limn', ...args], { cwd: folder, env: userEnv(folder) })

async function serve(folder: string): Promise<string> {
  const child = spawn('npx', ['--no-install', 'limn', 'serve', '--port', '0'], {
    ...{ cwd: folder, env: userEnv(folder), detached: true },
  })
  started.push(child)
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (said += chunk))
  for (;;) {
    const url = /Limn answers at (http:\S+)\/graphql/.exec(said)?.[1]
    if (url) return url
    if (child.exitCode !== null) throw new Error(said)
    await sleep(50)
  }
}

/** Everything that a first user does, with the installation of a folder. */
async function useIt(folder: string): Promise<void> {
  const home = path.join(folder, 'data')
  writeFileSync(path.join(folder, '.env'), `LIMN_HOME=${home}\nLIMN_LOG_LEVEL=warn\n`)
  const images = path.join(folder, 'images')
  mkdirSync(images)
  cpSync('workers/encode/verification/images', images, { recursive: true })
  const url = await serve(folder)
  const ask = async (query: string, variables: object = {}) => {
    const answer = await fetch(`${url}/graphql`, {
      ...{ method: 'POST', headers: { 'content-type': 'application/json' } },
      body: JSON.stringify({ query, variables }),
    })
    return (await answer.json()) as any
  }
  const image = { base64: Buffer.from(svg).toString('base64') }
  const embedded = await ask(
    'query ($inputs: [ConceptInput!]!) { embed(inputs: $inputs) { ... on Embedding { modality dimensions } } }',
    { inputs: [{ text: 'a red circle' }, image] },
  )
  expect(embedded.data.embed).toEqual([
    { modality: 'TEXT', dimensions: 256 },
    { modality: 'IMAGE', dimensions: 256 },
  ])
  const guided = await ask(
    'query ($image: ImageInput!) { guide(image: $image, prompt: "a blue square") { loss gradient { width data } step { base64 } } }',
    { image },
  )
  expect(guided.errors).toBeUndefined()
  expect(guided.data.guide.gradient.data.length).toBeGreaterThan(1000)
  expect((await limn(folder, 'import', 'images')).stdout).toMatch(/^4 added, 0 already there, 0 failed$/m)
  const key = await limn(folder, 'keys')
  expect(key.stdout).toMatch(/^limn_/)
  expect(key.stderr).toContain(url)
  const { stdout } = await limn(folder, 'doctor')
  expect(stdout).not.toContain('✗')
  expect(stdout).toContain(`answers at ${url}`)
  const { pid } = readLock(home)!
  process.kill(pid, 'SIGTERM')
  await expect.poll(() => readLock(home)?.alive ?? false, { timeout: 30_000 }).toBe(false)
}

describe.skipIf(process.env.LIMN_TEST_OFFLINE)('the package', () => {
  it('the package works without install scripts, on hosts of Node 20 and 22 too', async () => {
    const folder = await install('without-scripts', [tarball], ['--ignore-scripts'])
    const bin = path.join(folder, 'node_modules/limn/api/limn.js')
    const hosts = await Promise.all([nodeOf(20), nodeOf(22)])
    for (const host of hosts)
      expect((await run(host, [bin, '--version'], { env: {} })).stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
    await useIt(folder)

    // As on a platform for which npm has no Node.
    rmSync(path.join(folder, 'node_modules', `node-${platform}`), { recursive: true })
    for (const host of hosts)
      await expect(run(host, [bin, '--version'], { env: {} })).rejects.toMatchObject({
        code: 1,
        stderr: expect.stringMatching(
          /^Limn needs Node 24 or later; this is v2[02]\..* Install Node 24,.*\n$/,
        ),
      })
    expect((await run(process.execPath, [bin, '--version'], { env: {} })).stdout).toMatch(/^\d/)
  }, 600_000)

  it('the package works with install scripts, serves inside another program, and is small', async () => {
    const folder = await install('with-scripts', [tarball], [], { LIMN_PRUNE: '1' })
    const megabytes = bytesBelow(path.join(folder, 'node_modules')) / 1e6
    console.log(`the package and its dependencies: ${Math.round(megabytes)} MB`)
    expect(megabytes).toBeLessThan(maxMegabytes.production)
    await useIt(folder)

    const program = path.join(folder, 'program.ts')
    writeFileSync(
      program,
      `import { readFileSync } from 'node:fs'
import { ConfigError, type RunningServer, startServer } from 'limn'
const server: RunningServer = await startServer({ port: 0, home: 'inside', samples: false, logLevel: 'silent' })
console.log((await fetch(\`\${server.url}/health\`)).status, ConfigError.name)
await server.close()
console.log(readFileSync(new URL(import.meta.resolve('limn/schema.graphql')), 'utf8').includes('type Query'))
`,
    )
    const { stdout } = await run(process.execPath, [program], { cwd: folder, env: userEnv(folder) })
    expect(stdout).toBe('200 ConfigError\ntrue\n')
    const compiler = [
      ...[path.join(checkout, 'node_modules/typescript/bin/tsc'), '--noEmit', '--strict', '--skipLibCheck'],
      ...['--module', 'nodenext', '--target', 'es2024', '--types', 'node'],
      ...['--typeRoots', path.join(checkout, 'node_modules/@types'), program],
    ]
    await run(process.execPath, compiler, { cwd: folder }).catch((error) => {
      throw new Error(error.stdout)
    })
  }, 600_000)

  it('the package holds what runs, and nothing of the workshop', async () => {
    const names = execFileSync('tar', ['tzf', tarball], { encoding: 'utf8' }).trim().split('\n')
    const outside = names.filter((name) => !name.startsWith('package/dist/'))
    expect(outside.sort()).toEqual(
      ['LICENSE', 'README.md', 'api/limn.js', 'build/prune.js', 'package.json'].map(
        (name) => `package/${name}`,
      ),
    )
    expect(names.filter((name) => /(?<!\.d)\.ts$|\/lab\/|\/make\/|\.test\./.test(name))).toEqual([])
  })
})

describe('the checkout', () => {
  it('the packages of this checkout are not larger than they may be', () => {
    const own = readdirSync('node_modules').filter(
      (name) => !['.cache', '.vite', '.vite-temp'].includes(name),
    )
    const bytes = own.map((name) => path.join('node_modules', name)).filter((entry) => existsSync(entry))
    const megabytes = bytes.reduce((sum, folder) => sum + bytesBelow(folder), 0) / 1e6
    console.log(`the packages of this checkout: ${Math.round(megabytes)} MB`)
    expect(megabytes).toBeLessThan(maxMegabytes.development)
  })
})
