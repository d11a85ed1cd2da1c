import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type DatabasePlace, testPlace } from '../../support/database.ts'
import { killGroup } from '../../support/processes.ts'
import { writeTinyModel } from '../../support/tiny-model.ts'

let place: DatabasePlace
let home: string
let running: ChildProcess[] = []
beforeAll(async () => {
  place = await testPlace()
  home = place.home
})
afterEach(() => {
  for (const child of running) killGroup(child)
  running = []
})
afterAll(() => place?.remove())

/** Through the npm bin, as a user would. */
function limn(args: string[], env: Record<string, string> = {}, cwd?: string) {
  const child = spawn(process.execPath, [path.resolve('api/limn.js'), ...args], {
    // A group of its own: with the process that the bin starts.
    detached: true,
    cwd,
    env: {
      PATH: process.env.PATH,
      LIMN_HOME: home,
      HF_HOME: home,
      LIMN_SAMPLES: 'false',
      LIMN_LOG_LEVEL: 'warn',
      PORT: '0',
      ...(place.url && { DATABASE_URL: place.url }),
      ...env,
    },
  })
  running.push(child)
  const said = { out: '', err: '' }
  child.stdout.on('data', (chunk) => {
    said.out += chunk
  })
  child.stderr.on('data', (chunk) => {
    said.err += chunk
  })
  const ended = new Promise<{ status: number | null; out: string; err: string }>((resolve) =>
    child.on('close', (status) => resolve({ status, ...said })),
  )
  return { child, said, ended }
}

async function started(server: ReturnType<typeof limn>): Promise<string> {
  for (;;) {
    const url = /Limn answers at (http:\S+)\/graphql/.exec(server.said.out)?.[1]
    if (url) return url
    if (server.child.exitCode !== null) throw new Error(server.said.err)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

describe('limn', () => {
  it('limn prints its version and its commands', async () => {
    const { version } = JSON.parse(readFileSync('package.json', 'utf8'))
    expect((await limn(['--version']).ended).out.trim()).toBe(version)
    const help = await limn(['--help']).ended
    for (const command of ['serve', 'import', 'models', 'doctor', 'keys']) expect(help.out).toContain(command)
    expect(await limn(['toString']).ended).toMatchObject({
      status: 2,
      err: expect.stringContaining('no command "toString"'),
    })
  })

  it('limn search and limn similar say what is missing in the words of their command line', async () => {
    for (const [args, message] of [
      [['search'], 'Say what to look for'],
      [['search', 'x', '--mode', 'both'], '--mode is "both"; give hybrid, meaning, words'],
      [['search', 'x', '--first', 'ten'], '--first is "ten"'],
      [['search', '--file', 'absent.png'], 'The file "absent.png" cannot be read'],
      [['similar'], 'Give the id of one image, or a file'],
    ] as const)
      expect(await limn([...args]).ended).toMatchObject({ status: 2, err: expect.stringContaining(message) })
  })

  it('limn serve --help lists every setting', async () => {
    const { out, status } = await limn(['serve', '--help']).ended
    expect(status).toBe(0)
    for (const name of [
      'HOST',
      'PORT',
      'LIMN_HOME',
      'DATABASE_URL',
      'LIMN_MODEL',
      'LIMN_PROVIDER',
      'LIMN_API_KEY',
      'LIMN_HUB_URL',
      'LIMN_LOG_LEVEL',
    ])
      expect(out).toContain(name)
  })

  it('limn serve refuses invalid settings, and a public address without a key', async () => {
    expect(await limn(['serve'], { PORT: 'x' }).ended).toMatchObject({
      status: 1,
      err: expect.stringContaining('PORT is "x"; it takes a whole number from 0 to 65535'),
    })
    expect(await limn(['serve'], { HOST: '0.0.0.0' }).ended).toMatchObject({
      status: 1,
      err: expect.stringContaining('LIMN_API_KEY'),
    })
  })

  it('limn serve takes flags, which win over the environment, and names a flag that cannot be used', async () => {
    expect(await limn(['serve', '--port', 'x'], { PORT: '4000' }).ended).toMatchObject({
      status: 1,
      err: expect.stringContaining('--port is "x"; it takes a whole number from 0 to 65535'),
    })
    expect(await limn(['serve', '--host', '0.0.0.0']).ended).toMatchObject({
      status: 1,
      err: expect.stringContaining('LIMN_API_KEY'),
    })
    expect(await limn(['serve', '--model', 'x']).ended).toMatchObject({
      status: 2,
      err: expect.stringContaining("Unknown option '--model'"),
    })
    const server = limn(['serve', '--port', '0', '--home', home], { PORT: '1', LIMN_HOME: '/nowhere' })
    await started(server)
    await expect.poll(() => server.said.out).toContain(`data folder (LIMN_HOME):  ${home}`)
    server.child.kill('SIGTERM')
    expect((await server.ended).status).toBe(0)
  })

  it('limn reads a file .env of the current folder, over which the environment wins', async () => {
    writeFileSync(path.join(home, '.env'), 'PORT=from-file\nLIMN_QUEUE_LIMIT=from-file\n')
    const { status, err } = await limn(['serve'], { PORT: '0' }, home).ended
    rmSync(path.join(home, '.env'))
    expect(status).toBe(1)
    expect(err).toContain('LIMN_QUEUE_LIMIT is "from-file"')
    expect(err).not.toContain('PORT is')
  })

  it('limn keys makes no folder and no key, and says where one would come from', async () => {
    const nowhere = path.join(home, 'nowhere')
    expect(await limn(['keys'], { LIMN_HOME: nowhere }).ended).toMatchObject({
      status: 1,
      out: '',
      err: expect.stringMatching(
        /^There is no key in .*nowhere \(LIMN_HOME\): a server makes it at its first start/,
      ),
    })
    expect(existsSync(nowhere)).toBe(false)
  })

  it('limn keys shows one key, in a file for its owner alone, and on stderr whose it is', async () => {
    const first = await limn(['keys']).ended
    expect(first.out).toMatch(/^limn_[\w-]{43}\n$/)
    expect(first.err).toBe(`The key of the server of ${home} (LIMN_HOME), not running:\n`)
    expect((await limn(['keys']).ended).out).toBe(first.out)
    expect(statSync(path.join(home, 'key')).mode & 0o777).toBe(0o600)
    const server = limn(['serve'])
    const url = await started(server)
    expect((await limn(['keys']).ended).err).toContain(`running at ${url}:`)
    server.child.kill('SIGTERM')
    await server.ended
  })

  it('limn serve warns of unknown settings, answers, and ends in order on a signal', async () => {
    const server = limn(['serve'], { LIMN_MODLE: 'x' })
    const url = await started(server)
    expect(server.said.err).toContain('LIMN_MODLE')
    const answer = await fetch(`${url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"query":"{ models { id } }"}',
    })
    expect(await answer.json()).toEqual({ data: { models: [{ id: 'limn-icons' }] } })

    const doctor = await limn(['doctor', '--json']).ended
    const { checks } = JSON.parse(doctor.out)
    expect(checks.find((check: any) => check.name === 'server')).toMatchObject({
      ok: true,
      detail: expect.stringContaining(url),
    })

    server.child.kill('SIGTERM')
    const { status, out } = await server.ended
    expect({ status, said: out.includes('SIGTERM') }).toEqual({ status: 0, said: true })
    await expect(fetch(`${url}/health`)).rejects.toThrow()
  })

  it('limn serve logs one line per request, without its contents', async () => {
    const server = limn(['serve'], { LIMN_LOG_LEVEL: 'info' })
    const url = await started(server)
    const key = readFileSync(path.join(home, 'key'), 'utf8').trim()
    await fetch(`${url}/graphql?secret=query-string`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-api-key': key, 'x-request-id': 'the-one' },
      body: JSON.stringify({ query: '{ embed(inputs: [{ text: "a secret plan" }]) { __typename } }' }),
    })
    server.child.kill('SIGTERM')
    const { err } = await server.ended
    const lines = err
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(lines.filter(({ id }) => id === 'the-one')).toEqual([
      expect.objectContaining({ method: 'POST', path: '/graphql', status: 200, ms: expect.any(Number) }),
    ])
    for (const secret of [key, 'a secret plan', 'query-string']) expect(err).not.toContain(secret)
  })

  it('limn draw finds out at once that it cannot write', async () => {
    for (const [out, why] of [
      ['/nope/dir/x', 'there is no folder "/nope/dir"'],
      [path.join(home, 'key', 'x'), `there is no folder "${path.join(home, 'key')}"`],
      [path.join(home, 'taken'), `"${path.join(home, 'taken.svg')}" is a folder`],
    ] as const) {
      mkdirSync(path.join(home, 'taken.svg'), { recursive: true })
      const { status, err, out: said } = await limn(['draw', 'a heart', '--out', out]).ended
      expect({ status, said }).toEqual({ status: 2, said: '' })
      expect(err).toContain(`--out is "${out}", but ${why}`)
    }
  })

  it('limn draw makes few elements in many steps by default', async () => {
    expect((await limn(['draw', '--help']).ended).out).toMatch(/strokes \(14\).*\(250\)/s)
    const out = path.join(home, 'heart')
    const server = limn(['serve'])
    const url = await started(server)
    const key = readFileSync(path.join(home, 'key'), 'utf8').trim()
    const drawing = limn(['draw', 'red heart', '--out', out, '--size', '64x64', '--url', url, '--key', key])
    expect(await drawing.ended).toMatchObject({ status: 0, out: expect.stringContaining('heart.svg') })
    const refused = await limn(['draw', 'x', '--elements', '9999', '--out', out, '--url', url, '--key', key])
      .ended
    expect(refused).toMatchObject({
      status: 1,
      err: expect.stringMatching(/^--elements is 9999; it must be 1 to \d+\.$/m),
    })
    const unknown = ['draw', 'x', '--generator', 'circles', '--out', out, '--url', url, '--key', key]
    expect((await limn(unknown).ended).err).toMatch(/^--generator is "CIRCLES": /m)
    const elements = readFileSync(`${out}.svg`, 'utf8').match(/<(rect|ellipse|polygon|path)/g)!
    // The paper is one more.
    expect(elements.length).toBeLessThanOrEqual(15)
    expect(drawing.said.err).toContain('250 of 250')
    server.child.kill('SIGTERM')
    await server.ended
  }, 120_000)

  it('limn draw refuses a malformed number before it looks for a server', async () => {
    expect(await limn(['draw', 'red heart', '--steps', 'abc']).ended).toMatchObject({
      status: 2,
      err: expect.stringMatching(/--steps is "abc"/),
    })
  })

  it('limn doctor checks everything and finds it well', async () => {
    const { status, out } = await limn(['doctor']).ended
    expect(out).not.toContain('✗')
    for (const part of ['Node', 'settings', 'disk', 'database', 'pgvector', 'limn-icons', 'encoder'])
      expect(out).toContain(part)
    expect(status).toBe(0)
  })

  it('limn serve and limn doctor name a default model that does not load', async () => {
    writeTinyModel(path.join(home, 'models'), 'bad', { saysDimensions: 7 })
    const LIMN_MODEL = 'bad'
    const server = limn(['serve'], { LIMN_MODEL, LIMN_SAMPLES: 'true' })
    const url = await started(server)
    await expect.poll(() => server.said.err).toMatch(/^warning: not ready: Model "bad" .*verify bad/m)
    expect(await (await fetch(`${url}/ready`)).json()).toEqual({
      ready: false,
      problem: 'Model "bad" cannot be used. `limn models verify bad`, run beside the server, says why.',
    })
    server.child.kill('SIGTERM')
    expect((await server.ended).status).toBe(0)

    const doctor = await limn(['doctor', '--json'], { LIMN_MODEL }).ended
    expect(doctor.status).toBe(1)
    const checks = JSON.parse(doctor.out).checks.filter(({ name }: any) => /model|encoder/.test(name))
    expect(checks).toEqual([
      { name: 'model', ok: false, detail: expect.stringMatching(/"bad" .* 7 dimensions/) },
      { name: 'encoder', ok: null, detail: 'there is no model to encode with' },
    ])
    const { out } = await limn(['doctor']).ended
    expect(out).toMatch(/^✗ model +bad: it did not load when last tried: /m)
    expect(out).toMatch(/^✓ model +limn-icons/m)
    rmSync(path.join(home, 'models'), { recursive: true })
  })

  it('limn doctor says what is wrong', async () => {
    const { status, out } = await limn(['doctor', '--json'], { LIMN_MODEL: 'nope' }).ended
    expect(status).toBe(1)
    const report = JSON.parse(out)
    expect(report.ok).toBe(false)
    expect(report.checks.find((check: any) => check.name === 'model')).toMatchObject({
      ok: false,
      detail: expect.stringContaining('nope'),
    })
  })
})
