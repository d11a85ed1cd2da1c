import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { lockHome, readLock } from '../../../prisma/home-lock.ts'

let home: string
const children: ChildProcess[] = []

beforeEach(() => {
  home = mkdtempSync(path.join(os.tmpdir(), 'limn-lock-'))
})
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
  rmSync(home, { recursive: true, force: true })
})

/** Another process that takes the lock: what it says, `taken` or the error's message, after which it waits. */
async function other(): Promise<{ child: ChildProcess; said: string }> {
  const program = `import { lockHome } from ${JSON.stringify(path.resolve('prisma/home-lock.ts'))}
    try { lockHome(process.argv[1]); console.log('taken') } catch (error) { console.log(error.name + ': ' + error.message) }
    setInterval(() => {}, 1000)`
  const child = spawn(process.execPath, ['--input-type=module', '-e', program, home], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  children.push(child)
  const said = await new Promise<string>((resolve) =>
    child.stdout!.once('data', (chunk) => resolve(String(chunk).trim())),
  )
  return { child, said }
}

const killed = (child: ChildProcess) =>
  new Promise((resolve) => {
    child.once('exit', resolve)
    child.kill('SIGKILL')
  })

describe('the lock of a data folder', () => {
  it('a locked data folder refuses a second process and names the first, its address and what to do', async () => {
    const lock = lockHome(home)
    lock.publish({ url: 'http://127.0.0.1:4321' })
    const { said } = await other()
    expect(said).toContain('StartupError')
    expect(said).toContain(`process ${process.pid}`)
    expect(said).toContain('http://127.0.0.1:4321')
    expect(said).toContain(home)
    expect(said).toContain('LIMN_HOME')
    lock.release()
    expect((await other()).said).toBe('taken')
  })

  it('the lock is taken over from a process that was killed', async () => {
    const { child, said } = await other()
    expect(said).toBe('taken')
    expect(readLock(home)).toMatchObject({ pid: child.pid, alive: true })
    expect(() => lockHome(home)).toThrow(`process ${child.pid}`)
    await killed(child)
    expect(readLock(home)).toMatchObject({ pid: child.pid, alive: false })
    const lock = lockHome(home)
    expect(readLock(home)).toMatchObject({ pid: process.pid, alive: true })
    lock.release()
    expect(readLock(home)).toBeNull()
  })

  it.runIf(existsSync('/proc/self/stat'))('is taken over when another process now has the pid', () => {
    lockHome(home)
    const holder = JSON.parse(readFileSync(path.join(home, 'lock'), 'utf8'))
    writeFileSync(path.join(home, 'lock'), JSON.stringify({ ...holder, started: 'an earlier boot/17' }))
    expect(readLock(home)!.alive).toBe(false)
    lockHome(home).release()
  })

  it('the lock is not taken from another machine, whose processes cannot be seen', () => {
    writeFileSync(path.join(home, 'lock'), JSON.stringify({ pid: 1, host: 'elsewhere', started: null }))
    expect(() => lockHome(home)).toThrow(/process 1 on "elsewhere".*remove .*lock/)
  })

  it('the lock has one winner among many that find a dead holder', async () => {
    const { child } = await other()
    await killed(child)
    const said = await Promise.all(Array.from({ length: 6 }, other))
    expect(said.filter((one) => one.said === 'taken')).toHaveLength(1)
    const pids = said.filter((one) => one.said === 'taken').map((one) => one.child.pid)
    expect(readLock(home)!.pid).toBe(pids[0])
  })

  it('locking survives a file that is no lock', () => {
    writeFileSync(path.join(home, 'lock'), '{"pid":')
    lockHome(home).release()
    expect(readLock(home)).toBeNull()
  })
})
