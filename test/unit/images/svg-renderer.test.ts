import { execFileSync, spawn } from 'node:child_process'
import path from 'node:path'
import { expect, it } from 'vitest'
import { SvgRenderer } from '../../../workers/images/svg/renderer.ts'

const svg = (inner: string) =>
  Buffer.from(`<svg xmlns="http://www.w3.org/2000/svg" width="224" height="224">${inner}</svg>`)
const easy = svg('<rect width="224" height="224" fill="#00f"/>')
/** A minute of work: each of 20,000 blurs covers the whole of it. */
const slow = svg(
  `<filter id="f" x="0" y="0" width="1" height="1"><feGaussianBlur stdDeviation="20"/></filter><g id="a">${'<rect width="224" height="224" filter="url(#f)"/>'.repeat(1000)}</g>${'<use href="#a"/>'.repeat(19)}`,
)
/** Gigabytes of dashes. */
const large = svg(
  `<path stroke="red" fill="none" stroke-dasharray=".2" d="M0 0${'L1e5 1e5 0 0'.repeat(150)}"/>`,
)
const pixels = 1e8

async function works(renderer: SvgRenderer) {
  expect(await renderer.header(easy)).toMatchObject({ format: 'svg', width: 224, height: 224 })
  const { data, ...size } = await renderer.render(easy, {
    pixels,
    resize: { width: 4, height: 2, fit: 'fill' },
  })
  expect(size).toEqual({ width: 4, height: 2, channels: 4 })
  expect([...data.subarray(0, 4)]).toEqual([0, 0, 255, 255])
}

const processes = () =>
  execFileSync('ps', ['-o', 'pid=,args=', '--ppid', String(process.pid)], { encoding: 'utf8' })
    .split('\n')
    .filter((line) => line.includes('renderer-process'))
    .map((line) => Number.parseInt(line, 10))

it('ends a drawing that takes too long, and only that one', async () => {
  const renderer = new SvgRenderer({ milliseconds: 700, megabytes: 1500 })
  await works(renderer)
  const outcomes = await Promise.allSettled([
    renderer.render(easy, { pixels }),
    renderer.render(slow, { pixels }),
    renderer.render(easy, { pixels }),
  ])
  expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
  expect((outcomes[1] as PromiseRejectedResult).reason).toMatchObject({
    code: 'INVALID',
    message: 'The SVG takes more than 0.7 s to draw; simplify it, or send it as PNG.',
  })
})

it.runIf(process.platform === 'linux')('ends a drawing that takes too much memory', async () => {
  const renderer = new SvgRenderer({ milliseconds: 30_000, megabytes: 400 })
  await expect(renderer.render(large, { pixels })).rejects.toMatchObject({
    code: 'INVALID',
    message: expect.stringContaining('takes more than 400 MB of memory to draw'),
  })
  await works(renderer)
})

it('goes on when its process ends by itself', async () => {
  const before = new Set(processes())
  const renderer = new SvgRenderer({ milliseconds: 30_000, megabytes: 1500 })
  await works(renderer)
  const kill = () => {
    for (const pid of processes()) if (!before.has(pid)) process.kill(pid, 'SIGKILL')
  }
  const once = renderer.render(svg('<rect width="9" height="9"/>'.repeat(100_000)), { pixels })
  setTimeout(kill, 100)
  expect(await once).toMatchObject({ width: 224 })
  const killing = setInterval(kill, 200)
  const twice = renderer.render(slow, { pixels })
  await expect(twice).rejects.toMatchObject({
    code: 'INVALID',
    message: 'The SVG cannot be drawn: the renderer ended on it; simplify it, or send it as PNG.',
  })
  clearInterval(killing)
  await works(renderer)
  kill()
  await works(renderer)
})

it('says what the renderer says', async () => {
  const renderer = new SvgRenderer({ milliseconds: 30_000, megabytes: 1500 })
  await expect(renderer.header(svg('<g>'))).rejects.toThrow(/XML parse error/)
  await expect(renderer.render(easy, { pixels: 100 })).rejects.toThrow(/pixel limit/)
  await works(renderer)
})

it('keeps nobody alive, and ends with its parent', async () => {
  const file = JSON.stringify(path.resolve('workers/images/svg/renderer.ts'))
  const child = spawn(
    process.execPath,
    [
      '--input-type=module',
      '-e',
      `import { svgRenderer } from ${file}
       const { width } = await svgRenderer.render(Buffer.from(${JSON.stringify(easy.toString())}), { pixels: 1e6 })
       console.log(width)`,
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  let said = ''
  child.stdout.on('data', (text) => {
    said += text
  })
  expect(await new Promise((resolve) => child.once('exit', resolve))).toBe(0)
  expect(said).toBe('224\n')
})

it('ends with a parent that is killed while it draws', async () => {
  const file = JSON.stringify(path.resolve('workers/images/svg/renderer.ts'))
  const program = `
    import { execFileSync } from 'node:child_process'
    import { svgRenderer } from ${file}
    await svgRenderer.header(Buffer.from(${JSON.stringify(easy.toString())}))
    void svgRenderer.render(Buffer.from(${JSON.stringify(slow.toString())}), { pixels: 1e6 })
    const pids = execFileSync('ps', ['-o', 'pid=,args=', '--ppid', String(process.pid)], { encoding: 'utf8' })
    console.log(Number.parseInt(pids.split('\\n').find((line) => line.includes('renderer-process')), 10))`
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const pid = await new Promise<number>((resolve) =>
    child.stdout.once('data', (text) => resolve(Number(text))),
  )
  expect(pid).toBeGreaterThan(0)
  // Until it is at work.
  await new Promise((resolve) => setTimeout(resolve, 300))
  child.kill('SIGKILL')
  // One that has ended may wait for init to notice.
  const alive = () => {
    try {
      return !execFileSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' }).startsWith('Z')
    } catch {
      return false
    }
  }
  await expect.poll(alive, { timeout: 10_000 }).toBe(false)
})
