import { describe, expect, it } from 'vitest'
import { checkExposure, describeSettings, readConfig, settings } from '../../../api/config.ts'

describe('settings', () => {
  it('have defaults that need nothing', () => {
    const { config, warnings } = readConfig({ PATH: '/bin', PORT: '' })
    expect(config).toMatchObject({ host: '127.0.0.1', port: 4000, model: 'limn-icons', samples: true })
    expect(warnings).toEqual([])
  })
  it('are read', () => {
    const { config } = readConfig({
      PORT: '0',
      LIMN_SAMPLES: '0',
      LIMN_PUBLIC_URL: 'https://limn.example/',
      LIMN_QUEUE_LIMIT: '64',
    })
    expect(config).toMatchObject({
      port: 0,
      samples: false,
      publicUrl: 'https://limn.example',
      queueLimit: 64,
    })
  })
  it('that are wrong are all named, secrets not shown', () => {
    const wrong = () => readConfig({ PORT: '70000', LIMN_PROVIDER: 'gpu', LIMN_API_KEY: 'short-secret' })
    expect(wrong).toThrow(/PORT="70000".*LIMN_PROVIDER="gpu".*LIMN_API_KEY=\(not shown\)/s)
    expect(wrong).not.toThrow(/short-secret/)
  })
  it('that nobody knows are warned about', () => {
    expect(readConfig({ LIMN_MODLE: 'x' }).warnings).toEqual([expect.stringContaining('LIMN_MODLE')])
  })
  it('are all in the help', () => {
    for (const { name } of settings) expect(describeSettings()).toContain(name)
  })
})

describe('being reachable by others', () => {
  it.each(['127.0.0.1', 'localhost', '::1'])('%s is not', (host) =>
    expect(() => checkExposure({ host, apiKey: undefined })).not.toThrow(),
  )
  it.each(['0.0.0.0', '::', '192.168.1.2', 'example.org'])('%s needs a key', (host) => {
    expect(() => checkExposure({ host, apiKey: undefined })).toThrow(/LIMN_API_KEY/)
    expect(() => checkExposure({ host, apiKey: 'x'.repeat(16) })).not.toThrow()
  })
})
