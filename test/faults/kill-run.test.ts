import { mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type TestDatabase, testDatabase } from '../support/database.ts'
import { type Frame, frames } from '../support/frames.ts'
import { killGroup, LimnProcesses } from '../support/processes.ts'

let home: string
let database: TestDatabase
let processes: LimnProcesses

beforeAll(async () => {
  home = path.join(mkdtempSync(path.join(os.tmpdir(), 'limn-kill-run-')), 'home')
  database = await testDatabase()
  await database.prepare(home)
  processes = new LimnProcesses(home, database.url)
})
afterAll(async () => {
  processes?.killAll()
  await database?.close()
  rmSync(path.dirname(home), { recursive: true, force: true })
})

const input = {
  prompts: [{ text: 'a house' }],
  generator: 'SHAPES',
  steps: 90,
  seed: 3,
  elements: 9,
  width: 64,
  height: 64,
}

async function ask(url: string, query: string, variables: object) {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query, variables }),
  })
  const { data, errors } = await response.json()
  if (errors) throw new Error(errors[0].message)
  return data
}
const start = 'mutation ($input: StartDrawingInput!) { startDrawing(input: $input) { drawing { id } } }'

it('a run that is killed with its server goes on where it was, and ends as if nothing had been', {
  timeout: 600_000,
}, async () => {
  let server = await processes.startServer()
  const { startDrawing } = await ask(server.url, start, { input })
  const { id } = startDrawing.drawing
  let reached = 0
  for (let kills = 0; kills < 3; kills++) {
    let last: Frame | null = null
    let first: Frame | null = null
    try {
      for await (const frame of frames(server.url, id)) {
        first ??= frame
        last = frame
        if (frame.step >= reached + 15) {
          // With its database process, and alone.
          if (kills % 2 === 0) killGroup(server.child)
          else server.child.kill('SIGKILL')
          break
        }
      }
    } catch {
      // The connection went with the server.
    }
    await server.ended
    // Who comes back is shown the image from there, never one from before.
    expect(first!.step).toBeGreaterThanOrEqual(reached)
    reached = last!.step
    server = await processes.startServer()
  }
  const rest: Frame[] = []
  for await (const frame of frames(server.url, id)) rest.push(frame)
  expect(rest[0]!.step).toBeGreaterThanOrEqual(reached)
  expect(rest.at(-1)).toMatchObject({ status: 'DONE', step: 90 })

  // The same run without any harm.
  const again = (await ask(server.url, start, { input })).startDrawing.drawing.id
  let whole: Frame | null = null
  for await (const frame of frames(server.url, again)) whole = frame
  expect(whole!.svg).toBe(rest.at(-1)!.svg)
  server.child.kill('SIGTERM')
  expect(await server.ended, server.said()).toBe(0)
})
