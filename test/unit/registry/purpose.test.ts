import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { bundledModel } from '../../../workers/registry/bundled.ts'
import { validName } from '../../../workers/registry/hub/pull.ts'
import { purposeOf, recommendedModels } from '../../../workers/registry/purpose.ts'

async function folder(stated?: object): Promise<string> {
  const made = await mkdtemp(path.join(tmpdir(), 'limn-purpose-'))
  if (stated) await writeFile(path.join(made, 'limn.json'), JSON.stringify(stated))
  return made
}

describe('what a model is for', () => {
  it('is what its folder states', async () => {
    const stated = { domain: 'PHOTOGRAPHS', knows: 'birds of Europe', logit_scale: 4 }
    expect(await purposeOf(await folder(stated), 'me/birds')).toEqual({
      domain: 'PHOTOGRAPHS',
      knows: 'birds of Europe',
    })
    const bundled = await purposeOf(path.resolve('workers/models', bundledModel), bundledModel)
    expect(bundled.domain).toBe('ICONS_AND_ILLUSTRATIONS')
  })

  it('is what the table says of its name, and else unknown', async () => {
    const [first] = await recommendedModels()
    expect(await purposeOf(await folder(), first!.name)).toEqual({
      domain: first!.domain,
      knows: first!.knows,
    })
    expect(await purposeOf(await folder(), 'someone/else')).toEqual({ domain: null, knows: null })
  })

  it('a domain that does not exist is refused by name', async () => {
    await expect(purposeOf(await folder({ domain: 'CATS' }), 'me/cats')).rejects.toThrow(
      /domain of limn\.json is none of ICONS_AND_ILLUSTRATIONS, PHOTOGRAPHS, GENERAL/,
    )
    await expect(purposeOf(await folder({ knows: 7 }), 'me/cats')).rejects.toThrow(/knows of limn\.json/)
  })

  it('every model of the table can be pulled by its name, and says licence, size and sources', async () => {
    for (const { name, licence, megabytes, dimensions, knows, sources } of await recommendedModels()) {
      expect(validName(name)).toBe(true)
      expect([licence, knows].every((text) => text.length > 2)).toBe(true)
      expect(megabytes).toBeGreaterThan(50)
      expect(dimensions).toBeGreaterThan(100)
      expect(sources.length).toBeGreaterThan(1)
    }
  })
})
