/** Processes of images that are ended by limits, by others, or with their parent. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import path from 'node:path'
import { expect, it } from 'vitest'
import { imageError } from '../../../workers/images/open.ts'
import { ProcessUnavailable } from '../../../workers/images/process/child.ts'
import { ImageProcess } from '../../../workers/images/process/image-process.ts'

const svg = (inner: string) =>
  Buffer.from(`<svg xmlns="http://www.w3.org/2000/svg" width="224" height="224">${inner}</svg>`)
const easy = svg('<rect width="224" height="224" fill="#00f"/>')
/** Enough work to be killed during it. */
const busy = svg('<rect width="9" height="9"/>'.repeat(30_000))
/** A minute of work: each of 20,000 blurs covers the whole image. */
const slow = svg(
  `<filter id="f" x="0" y="0" width="1" height="1"><feGaussianBlur stdDeviation="20"/></filter><g id="a">${'<rect width="224" height="224" filter="url(#f)"/>'.repeat(1000)}</g>${'<use href="#a"/>'.repeat(19)}`,
)
/** Gigabytes of dashes. */
const large = svg(
  `<path stroke="red" fill="none" stroke-dasharray=".2" d="M0 0${'L1e5 1e5 0 0'.repeat(150)}"/>`,
)
const limits = { pixels: 1e8, milliseconds: 30_000 }
const megabytes = 1500

async function works(renderer: ImageProcess) {
  expect(await renderer.svgHeader(easy, limits)).toMatchObject({ format: 'svg', width: 224, height: 224 })
  const { data, ...size } = await renderer.svg(easy, {
    ...limits,
    resize: { width: 4, height: 2, fit: 'fill' },
  })
  expect(size).toEqual({ width: 4, height: 2, channels: 4 })
  expect([...data.subarray(0, 4)]).toEqual([0, 0, 255, 255])
}

/** Calls `onCreated` for each process that this thread starts while `work` runs. */
async function watchingProcesses<T>(
  onCreated: (child: ChildProcess) => void,
  work: () => Promise<T>,
): Promise<T> {
  const listener = (message: unknown) => onCreated((message as { process: ChildProcess }).process)
  subscribe('child_process', listener)
  try {
    return await work()
  } finally {
    unsubscribe('child_process', listener)
  }
}

const kill = (child: ChildProcess) => child.kill('SIGKILL')

it('an SVG that takes too long is refused, and those before and after it are rendered', async () => {
  const renderer = new ImageProcess({ megabytes })
  await works(renderer)
  const outcomes = await Promise.allSettled([
    renderer.svg(easy, limits),
    renderer.svg(slow, { ...limits, milliseconds: 1500 }),
    renderer.svg(easy, limits),
  ])
  expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
  expect((outcomes[1] as PromiseRejectedResult).reason).toMatchObject({
    code: 'INVALID',
    message: 'The SVG takes more than 1.5 s to draw; simplify it, or send it as PNG.',
  })
})

it.runIf(process.platform === 'linux')('an SVG that takes too much memory is refused', async () => {
  const renderer = new ImageProcess({ megabytes: 400 })
  await expect(renderer.svg(large, limits)).rejects.toMatchObject({
    code: 'INVALID',
    message: expect.stringContaining('takes more than 400 MB of memory to draw'),
  })
  await works(renderer)
})

it('an SVG whose process is killed at work is rendered by another process', async () => {
  const renderer = new ImageProcess({ megabytes })
  const children: ChildProcess[] = []
  await watchingProcesses(
    (child) => children.push(child),
    async () => {
      await works(renderer)
      const rendering = renderer.svg(busy, limits)
      // The process has the SVG by then, and cannot have rendered it.
      setImmediate(() => kill(children[0]!))
      expect(await rendering).toMatchObject({ width: 224 })
      expect(children.map(({ signalCode }) => signalCode)).toEqual(['SIGKILL', null])
    },
  )
})

it('an SVG whose process is killed at work twice is refused, and the next one is rendered', async () => {
  const renderer = new ImageProcess({ megabytes })
  const children: ChildProcess[] = []
  await watchingProcesses(
    (child) => {
      children.push(child)
      // The first message says that the process is ready; the renderer answers it with the SVG.
      child.once('message', () => setImmediate(() => kill(child)))
    },
    () =>
      expect(renderer.svg(slow, limits)).rejects.toMatchObject({
        code: 'INVALID',
        message: 'The SVG ends the processes that draw it; simplify it, or send it as PNG.',
      }),
  )
  expect(children.map(({ signalCode }) => signalCode)).toEqual(['SIGKILL', 'SIGKILL'])
  await works(renderer)
})

it('an SVG after a process that was killed without work has both of its tries', async () => {
  const renderer = new ImageProcess({ megabytes })
  const children: ChildProcess[] = []
  await watchingProcesses(
    (child) => {
      if (children.push(child) === 2) child.once('message', () => setImmediate(() => kill(child)))
    },
    async () => {
      await works(renderer)
      const [idle] = children
      const ended = new Promise((resolve) => idle!.once('exit', resolve))
      kill(idle!)
      await ended
      expect(await renderer.svg(busy, limits)).toMatchObject({ width: 224 })
      expect(children.map(({ signalCode }) => signalCode)).toEqual(['SIGKILL', 'SIGKILL', null])
    },
  )
})

it('a process that does not start is a fault of the server, and no SVG is blamed for it', async () => {
  const renderer = new ImageProcess({ megabytes })
  const error = await watchingProcesses(
    (child) => child.once('spawn', () => kill(child)),
    () => renderer.svg(easy, limits).catch((error) => error),
  )
  expect(error).toBeInstanceOf(ProcessUnavailable)
  expect(error.message).toBe('The process that draws and decodes images does not start: SIGKILL.')
  expect(imageError(error)).toBe(error)
  await works(renderer)
})

it('a process that the system refuses to start is a fault of the server too', async () => {
  // Longer than a variable may be: the system's refusal is thrown, as when memory is short.
  process.env.LIMN_TEST_LONG = 'x'.repeat(200_000)
  const renderer = new ImageProcess({ megabytes })
  try {
    await expect(renderer.svgHeader(easy, limits)).rejects.toBeInstanceOf(ProcessUnavailable)
  } finally {
    delete process.env.LIMN_TEST_LONG
  }
  await works(renderer)
})

it('a renderer with a limit refuses those that come when enough wait', async () => {
  const renderer = new ImageProcess({ megabytes, waiting: 2 })
  await works(renderer)
  const first = renderer.svg(busy, limits)
  // The first has begun, and waits no more.
  await new Promise(setImmediate)
  const outcomes = await Promise.allSettled([first, ...[1, 2, 3].map(() => renderer.svgHeader(easy, limits))])
  expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'fulfilled', 'rejected'])
  expect((outcomes[3] as PromiseRejectedResult).reason).toMatchObject({
    code: 'OVERLOADED',
    message: expect.stringMatching(/^The queue of images to draw and decode is full \(2 of 2 waiting\)/),
  })
  await works(renderer)
})

it('an error of the renderer has its words', async () => {
  const renderer = new ImageProcess({ megabytes })
  await expect(renderer.svgHeader(svg('<g>'), limits)).rejects.toThrow(/XML parse error/)
  await expect(renderer.svg(easy, { ...limits, pixels: 100 })).rejects.toThrow(/pixel limit/)
  await works(renderer)
})

it('a renderer without work does not keep its thread alive', async () => {
  const file = JSON.stringify(path.resolve('workers/images/process/image-process.ts'))
  const child = spawn(
    process.execPath,
    [
      '--input-type=module',
      '-e',
      `import { imageProcess } from ${file}
       const { width } = await imageProcess.svg(Buffer.from(${JSON.stringify(easy.toString())}), ${JSON.stringify(limits)})
       console.log(width)`,
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  let output = ''
  child.stdout.on('data', (text) => {
    output += text
  })
  expect(await new Promise((resolve) => child.once('exit', resolve))).toBe(0)
  expect(output).toBe('224\n')
})

it('a process at work ends when its parent is killed', async () => {
  const file = JSON.stringify(path.resolve('workers/images/process/image-process.ts'))
  const program = `
    import { execFileSync } from 'node:child_process'
    import { imageProcess } from ${file}
    await imageProcess.svgHeader(Buffer.from(${JSON.stringify(easy.toString())}), ${JSON.stringify(limits)})
    void imageProcess.svg(Buffer.from(${JSON.stringify(slow.toString())}), ${JSON.stringify(limits)})
    const pids = execFileSync('ps', ['-o', 'pid=,args=', '--ppid', String(process.pid)], { encoding: 'utf8' })
    console.log(Number.parseInt(pids.split('\\n').find((line) => line.includes('images/process/program')), 10))`
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const pid = await new Promise<number>((resolve) =>
    child.stdout.once('data', (text) => resolve(Number(text))),
  )
  expect(pid).toBeGreaterThan(0)
  // Time to begin the SVG.
  await new Promise((resolve) => setTimeout(resolve, 300))
  child.kill('SIGKILL')
  // A process that has ended may be a zombie until init reaps it.
  const alive = () => {
    try {
      return !execFileSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' }).startsWith('Z')
    } catch {
      return false
    }
  }
  await expect.poll(alive, { timeout: 10_000 }).toBe(false)
})
