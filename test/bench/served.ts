/** Limn as a server of its own on the benchmark's model, and callers who each wait for their answer. */

import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import http from 'node:http'
import os from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import type { Modality } from '../../workers/encode/encoder.ts'

export const callers = 16

const agent = new http.Agent({ keepAlive: true, maxSockets: callers })

export interface Served {
  image(file: Buffer): Promise<void>
  text(text: string): Promise<void>
  /** Mean number of items of a batch so far. */
  meanBatch(modality: Modality): Promise<number>
  /** Resident megabytes of the server and of the processes that it started. */
  memory(): { server: number; children: number }
  close(): Promise<void>
}

/** `more`: further settings; `cache`: a folder that holds what was derived from models. */
export async function serve(
  modelsRoot: string,
  model: string,
  more: Record<string, string> = {},
  cache?: string,
): Promise<Served> {
  const home = mkdtempSync(path.join(os.tmpdir(), 'limn-bench-'))
  symlinkSync(modelsRoot, path.join(home, 'models'))
  if (cache) symlinkSync(cache, path.join(home, 'cache'))
  const settings = {
    LIMN_HOME: home,
    LIMN_MODEL: model,
    PORT: '0',
    LIMN_SAMPLES: 'false',
    LIMN_LOG_LEVEL: 'warn',
    ...more,
  }
  const child = spawn(process.execPath, ['api/limn.js', 'serve'], {
    env: { ...process.env, DATABASE_URL: '', ...settings },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  try {
    const url = await address(child)
    await until(async () => (await send(`${url}/ready`)).status === 200)
    return { ...client(url), memory: () => memory(child.pid!), close }
  } catch (error) {
    await close()
    throw error
  }

  async function close(): Promise<void> {
    if (child.exitCode === null) {
      const ended = new Promise((resolve) => child.once('exit', resolve))
      child.kill('SIGTERM')
      await ended
    }
    rmSync(home, { recursive: true, force: true })
  }
}

function address(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`the server ended with status ${code}`)))
    createInterface(child.stdout!).on('line', (line) => {
      const found = line.match(/answers at (http:\S+)\/graphql/)
      if (found) resolve(found[1]!)
    })
  })
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 100))
}

function client(url: string): Pick<Served, 'image' | 'text' | 'meanBatch'> {
  const graphql = async (type: string, body: Buffer) => {
    const headers = { 'content-type': type, 'content-length': String(body.length), 'x-limn-client': 'bench' }
    const answer = await send(`${url}/graphql`, { method: 'POST', headers }, body)
    if (answer.status !== 200 || !answer.body.includes('"vector"')) throw new Error(answer.body)
  }
  return {
    image: (file) => graphql('multipart/form-data; boundary=limn', multipart(file)),
    text: (text) =>
      graphql('application/json', Buffer.from(JSON.stringify({ query: textQuery, variables: { text } }))),
    async meanBatch(modality) {
      const { body } = await send(`${url}/metrics`)
      const read = (part: string) =>
        Number(
          body.match(new RegExp(`^limn_batch_size_${part}\\{.*modality="${modality}".*\\} (\\S+)`, 'm'))?.[1],
        )
      return read('sum') / read('count')
    },
  }
}

const textQuery =
  'query ($text: String!) { embed(inputs: [{ text: $text }]) { ... on Embedding { vector } } }'
const imageQuery =
  'query ($file: File!) { embed(inputs: [{ upload: $file }]) { ... on Embedding { vector } } }'

/** A GraphQL multipart request, written by hand: the callers must not take the cores that they measure. */
function multipart(file: Buffer): Buffer {
  const part = (head: string, body: string) =>
    `--limn\r\ncontent-disposition: form-data; ${head}\r\n\r\n${body}\r\n`
  const operations = JSON.stringify({ query: imageQuery, variables: { file: null } })
  const begin = part('name="operations"', operations) + part('name="map"', '{"0":["variables.file"]}')
  const head =
    '--limn\r\ncontent-disposition: form-data; name="0"; filename="a.jpg"\r\ncontent-type: image/jpeg\r\n\r\n'
  return Buffer.concat([Buffer.from(begin + head), file, Buffer.from('\r\n--limn--\r\n')])
}

function send(
  url: string,
  options: http.RequestOptions = {},
  body?: Buffer,
): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const req = http.request(url, { agent, ...options }, (res) => {
      const chunks: Buffer[] = []
      res.on('data', (chunk) => chunks.push(chunk))
      res.on('end', () => resolve({ status: res.statusCode!, body: Buffer.concat(chunks).toString() }))
      res.on('error', reject)
    })
    // The server ends idle connections; one that was taken up again at that moment is no failure of its own.
    req.on('error', (error) => (req.reusedSocket ? resolve(send(url, options, body)) : reject(error)))
    req.end(body)
  })
}

/** Of the server, which is the only child of what started it, and of its own children. */
function memory(launcher: number): { server: number; children: number } {
  const resident = (pid: number) => {
    const kilobytes = readFileSync(`/proc/${pid}/status`, 'utf8').match(/VmRSS:\s+(\d+)/)?.[1]
    return Number(kilobytes ?? 0) / 1024
  }
  const [server] = childrenOf(launcher)
  const children = childrenOf(server!).map(resident)
  return { server: resident(server!), children: children.reduce((sum, megabytes) => sum + megabytes, 0) }
}

const childrenOf = (pid: number): number[] =>
  execFileSync('ps', ['-o', 'pid=', '--ppid', String(pid)], { encoding: 'utf8' })
    .split(/\s+/)
    .filter(Boolean)
    .map(Number)
