import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Browser, launch } from 'puppeteer-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { serverKey } from '../../api/access/keys.ts'
import { chromiumFlags, chromiumPath } from '../support/chromium.ts'
import { testImage } from '../support/images.ts'
import { type TestServer, testServer } from '../support/server.ts'

const chromium = chromiumPath()

describe.skipIf(!chromium)('in Chromium', () => {
  let server: TestServer
  let browser: Browser
  /** Somebody else's page. */
  let host: { url: string; close(): void }
  beforeAll(async () => {
    server = await testServer()
    browser = await launch({ executablePath: chromium!, args: chromiumFlags })
    const pages = createServer((_req, res) =>
      res.setHeader('content-type', 'text/html').end('<!doctype html><title>A design tool</title>'),
    )
    await new Promise<void>((resolve) => pages.listen(0, '127.0.0.1', resolve))
    host = { url: `http://127.0.0.1:${(pages.address() as AddressInfo).port}`, close: () => pages.close() }
  })
  afterAll(async () => {
    await browser?.close()
    host?.close()
    await server?.close()
  })

  /** Runs as a Figma plugin's UI does: in a sandboxed frame whose origin is null. */
  async function inPluginFrame(work: string): Promise<any> {
    const page = await browser.newPage()
    try {
      await page.goto(host.url)
      const script = `addEventListener('message', async ({ data }) => {
        try { parent.postMessage({ result: await (${work})(data) }, '*') }
        catch (error) { parent.postMessage({ error: String(error) }, '*') }
      }); parent.postMessage('ready', '*')`
      const data = {
        url: `${server.url}/graphql`,
        key: serverKey(server.app.config),
        image: (await testImage()).toString('base64'),
      }
      return await page.evaluate(
        (html, data) =>
          new Promise((resolve) => {
            const frame = document.createElement('iframe')
            frame.setAttribute('sandbox', 'allow-scripts')
            addEventListener('message', (event) => {
              if (event.data === 'ready') frame.contentWindow!.postMessage(data, '*')
              else resolve(event.data)
            })
            frame.srcdoc = html
            document.body.append(frame)
          }),
        `<script>${script}</script>`,
        data,
      )
    } finally {
      await page.close()
    }
  }

  it('a sandboxed plugin frame embeds a base64 image with its key', async () => {
    const answer = await inPluginFrame(`async ({ url, key, image }) => {
      const query = 'query ($image: String!) { embed(inputs: [{ base64: $image }]) { ... on Embedding { modality dimensions } } }'
      const response = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json', 'x-api-key': key }, body: JSON.stringify({ query, variables: { image } }) })
      return { origin: self.origin, ...(await response.json()) }
    }`)
    expect(answer).toEqual({
      result: { origin: 'null', data: { embed: [{ modality: 'IMAGE', dimensions: 256 }] } },
    })
  })

  it('a sandboxed plugin frame uploads by multipart', async () => {
    const answer = await inPluginFrame(`async ({ url, key, image }) => {
      const form = new FormData()
      form.set('operations', JSON.stringify({ query: 'query ($file: File!) { embed(inputs: [{ upload: $file }]) { __typename } }', variables: { file: null } }))
      form.set('map', '{"0":["variables.file"]}')
      form.set('0', new File([Uint8Array.from(atob(image), (c) => c.charCodeAt(0))], 'a.png'))
      const response = await fetch(url, { method: 'POST', headers: { authorization: 'Bearer ' + key, 'x-limn-client': 'figma' }, body: form })
      return response.json()
    }`)
    expect(answer).toEqual({ result: { data: { embed: [{ __typename: 'Embedding' }] } } })
  })

  it('a sandboxed plugin frame without a key can read the refusal, and never sends credentials', async () => {
    const answer = await inPluginFrame(`async ({ url }) => {
      const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"query":"{ models { id } }"}' }
      const response = await fetch(url, init)
      const withCredentials = await fetch(url, { ...init, credentials: 'include' }).then(() => 'read', () => 'blocked')
      return { status: response.status, code: (await response.json()).errors[0].extensions.code, withCredentials }
    }`)
    expect(answer).toEqual({ result: { status: 401, code: 'UNAUTHENTICATED', withCredentials: 'blocked' } })
  })

  it('GraphiQL loads from this server alone and runs its example', async () => {
    const page = await browser.newPage()
    try {
      const elsewhere: string[] = []
      page.on('request', (request) => {
        const url = request.url()
        if (/^https?:/.test(url) && !url.startsWith(server.url)) elsewhere.push(url)
      })
      await page.goto(`${server.url}/graphql`)
      const play = await page.waitForSelector('.graphiql-execute-button')
      const answered = page.waitForResponse(
        async (response) =>
          response.request().method() === 'POST' && (await response.text()).includes('"rank"'),
      )
      await play!.click()
      const { data, errors } = (await (await answered).json()) as any
      expect(errors).toBeUndefined()
      expect(data.rank.items).toHaveLength(3)
      expect(elsewhere).toEqual([])
    } finally {
      await page.close()
    }
  })
})
