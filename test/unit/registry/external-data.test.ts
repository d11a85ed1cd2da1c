/** Weights in files of their own: a file belongs to a model because a graph says so. */
import { rename, utimes, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { digestsOf } from '../../../workers/encode/verification/references.ts'
import { readModel } from '../../../workers/onnx/file.ts'
import { testGraph } from '../../support/graphs.ts'
import { clip } from './families.ts'
import { TestFolder } from './folder-files.ts'

const weights = (seed: number) => new Uint8Array(64).fill(seed)
const vision = 'onnx/vision_model.onnx'
const withWeights = (...locations: string[]) => ({
  ...clip,
  [vision]: testGraph({ external: locations.map((location) => ({ location, length: 64 })) }),
  'onnx/text_model.onnx': testGraph({ seed: 1 }),
})

describe('a file of weights that a graph names', () => {
  test.each(['vision_model.onnx_data', 'vision_model.onnx.data', 'weights.bin', './w', 'sub/folder/w.data'])(
    'counts for the revision, the digests and the rewriters under the name %s',
    async (location) => {
      const file = path.posix.join('onnx', location)
      await using folder = await TestFolder.make({ ...withWeights(location), [file]: weights(1) })
      const first = await folder.spec()
      expect(Object.keys(await digestsOf(first))).toContain(file)
      const { graph } = await readModel(path.join(folder.root, vision))
      expect(graph!.initializer!.some(({ rawData }) => rawData?.length === 64 && rawData[0] === 1)).toBe(true)
      await folder.write({ [file]: weights(2) })
      expect((await folder.spec()).revision).not.toBe(first.revision)
    },
  )

  test('is not any other file beside the graph', async () => {
    await using folder = await TestFolder.make({ ...withWeights(), [`${vision}_data`]: weights(1) })
    const { revision } = await folder.spec()
    await folder.write({ [`${vision}_data`]: weights(2), 'onnx/other.bin': weights(3) })
    expect((await folder.spec()).revision).toBe(revision)
  })

  test('may serve both graphs', async () => {
    const both = testGraph({ external: [{ location: 'w', length: 64 }] })
    await using folder = await TestFolder.make({
      ...{ ...clip, [vision]: both, 'onnx/text_model.onnx': both },
      'onnx/w': weights(1),
    })
    const { revision } = await folder.spec()
    await folder.write({ 'onnx/w': weights(2) })
    expect((await folder.spec()).revision).not.toBe(revision)
  })

  test('is noticed when another of the same size and time takes its place', async () => {
    await using folder = await TestFolder.make({ ...withWeights('w'), 'onnx/w': weights(1) })
    const file = path.join(folder.root, 'onnx/w')
    const time = new Date(1e12)
    await utimes(file, time, time)
    const { revision } = await folder.spec()
    await writeFile(`${file}.new`, weights(2))
    await utimes(`${file}.new`, time, time)
    await rename(`${file}.new`, file)
    expect((await folder.spec()).revision).not.toBe(revision)
  })

  test.each(['../w', '../../../etc/passwd', '/etc/passwd', 'sub/../../w', 'C:\\w'])(
    'is refused by name outside of the folder: %s',
    async (location) => {
      await using folder = await TestFolder.make({ ...withWeights(location), w: weights(1) })
      await expect(folder.spec()).rejects.toThrow(
        /vision_model\.onnx has weights in ".*", which is outside of its folder/,
      )
    },
  )

  test('is named when it is missing or cut off', async () => {
    await using folder = await TestFolder.make(withWeights('sub/w.bin'))
    await expect(folder.spec()).rejects.toThrow(
      /sub\/w\.bin, which has the weights of vision_model\.onnx, is missing/,
    )
    await folder.write({ 'onnx/sub/w.bin': weights(1).subarray(0, 10) })
    await expect(folder.spec()).rejects.toThrow(/sub\/w\.bin, .* is cut off: 10 of 64 bytes/)
  })
})
