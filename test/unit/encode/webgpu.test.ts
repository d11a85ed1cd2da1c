/** WebGPU on SwiftShader, Chromium's Vulkan driver in software: the same code path as on a GPU. */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import path from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { cosine } from '../../support/cosine.ts'

const driver = ['/usr/lib/chromium', '/usr/lib/chromium-browser', '/opt/google/chrome']
  .map((folder) => path.join(folder, 'vk_swiftshader_icd.json'))
  .find((file) => existsSync(file))

interface Output {
  provider: string
  vectors: number[][]
}

async function encodeWith(provider: string): Promise<Output> {
  // The Vulkan loader lies beside the driver.
  const env = { ...process.env, VK_DRIVER_FILES: driver, LD_LIBRARY_PATH: path.dirname(driver!) }
  const script = path.resolve('test/support/encode-with.ts')
  const { stdout } = await promisify(execFile)(process.execPath, [script, provider], { env })
  return JSON.parse(stdout.trim().split('\n').at(-1)!)
}

test('WebGPU gives the vectors of the CPU', { timeout: 180_000 }, async ({ annotate, skip }) => {
  if (!driver) skip('SwiftShader is not on this machine: it comes with the package chromium')
  const [cpu, webgpu] = [await encodeWith('cpu'), await encodeWith('webgpu')]
  expect(webgpu.provider).toBe('webgpu')
  const similarities = cpu.vectors.map((vector, n) => cosine(vector, webgpu.vectors[n]!))
  expect(similarities).toHaveLength(8)
  expect(Math.min(...similarities)).toBeGreaterThan(0.999)
  await annotate(`lowest cosine ${Math.min(...similarities)}`)
})
