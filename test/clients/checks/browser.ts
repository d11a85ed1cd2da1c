/** The files of the page on plain fetch in Chromium, on a page of another origin than the server's. */
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { stripTypeScriptTypes } from 'node:module'
import type { AddressInfo } from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { launch } from 'puppeteer-core'
import { chromiumFlags, chromiumPath } from '../../support/chromium.ts'
import type { Client } from './check.ts'
import { type Limn, newImage, party, smallDrawing } from './limn.ts'

const chromium = chromiumPath()
const html =
  '<!doctype html><title>A design tool</title><input id="words"><input id="files" type="file" multiple><div id="results"></div>'

/** Serves a page, and the modules as a bundler would hand them to it. */
async function host(): Promise<{ url: string; close(): void }> {
  const server = createServer((req, res) => {
    const name = /^\/(limn|operations|browser)\.ts$/.exec(req.url!)?.[1]
    res.setHeader('content-type', name ? 'text/javascript' : 'text/html')
    const source = name && readFileSync(path.resolve(`test/clients/fetch/${name}.ts`), 'utf8')
    res.end(source ? stripTypeScriptTypes(source) : html)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close: () => server.close() }
}

async function inChromium({ graphql, key }: Limn): Promise<void> {
  const page = await host()
  const browser = await launch({ executablePath: chromium!, args: chromiumFlags })
  const folder = mkdtempSync(path.join(os.tmpdir(), 'limn-browser-'))
  try {
    const tab = await browser.newPage()
    await tab.goto(page.url)
    const { drawn, refused } = await tab.evaluate(
      async (graphql, key, input) => {
        const load = (file: string) => import(file)
        const [{ Limn }, { draw }, { connect }] = await Promise.all(
          ['limn', 'operations', 'browser'].map((name) => load(`/${name}.ts`)),
        )
        const limn = new Limn(graphql, key)
        connect(limn, Object.fromEntries([...document.querySelectorAll('[id]')].map((one) => [one.id, one])))
        let last: any
        for await (const drawing of draw(limn, input)) last = drawing
        const refused = await new Limn(graphql).ask('{ models { id } }')
        return { drawn: [last.status, last.step], refused: refused.errors[0].extensions.code }
      },
      ...([graphql, key, smallDrawing] as const),
    )
    assert.deepEqual(drawn, ['DONE', smallDrawing.steps])
    assert.equal(refused, 'UNAUTHENTICATED')

    await tab.type('#words', 'birthday party\n')
    const loaded = () => {
      const images = [...document.images]
      return (
        images.length > 0 && images.every((image) => image.naturalWidth > 0) && images.map(({ alt }) => alt)
      )
    }
    const shown = await (await tab.waitForFunction(loaded)).jsonValue()
    assert.deepEqual((shown as string[]).slice(0, party.length), party)

    const file = path.join(folder, 'browser.png')
    writeFileSync(file, await (await newImage('browser.png')).bytes())
    writeFileSync(path.join(folder, 'notes.txt'), 'no image')
    const input = (await tab.$('input[type=file]'))!
    await input.uploadFile(file, path.join(folder, 'notes.txt'))
    const said = await tab.waitForFunction(() => {
      const { textContent } = document.querySelector('#results')!
      return textContent.includes('not an image') && textContent
    })
    assert.match((await said.jsonValue()) as string, /^browser\.png is added\. This is not an image/)
  } finally {
    await browser.close()
    page.close()
    rmSync(folder, { recursive: true })
  }
}

export default {
  missing: chromium ? undefined : 'there is no Chromium here',
  checks: { 'fetch in a browser': inChromium },
} satisfies Client
