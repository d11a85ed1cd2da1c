import { describe, expect, it } from 'vitest'
import { checkExposure, describeSettings, readConfig, settings } from '../../../api/config.ts'
import { ConfigError } from '../../../api/errors.ts'

describe('settings', () => {
  it('every setting has a default or is optional', () => {
    const { config, warnings } = readConfig({ PATH: '/bin', PORT: '' })
    expect(config).toMatchObject({ host: '127.0.0.1', port: 4000, model: 'limn-icons', samples: true })
    expect(warnings).toEqual([])
  })
  it('settings are read from the environment', () => {
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
  it('all invalid settings are named at once, without the values of secrets', () => {
    const wrong = () =>
      readConfig({
        PORT: '70000',
        LIMN_PROVIDER: 'gpu',
        LIMN_API_KEY: 'short-secret',
        DATABASE_URL: 'mysql://secret',
      })
    expect(wrong).toThrow(/PORT is "70000".*LIMN_PROVIDER is "gpu".*LIMN_API_KEY is not shown/s)
    expect(wrong).toThrow(/DATABASE_URL is not shown/)
    expect(wrong).not.toThrow(/short-secret|mysql/)
  })
  const ports = ['abc', '-1', '1.5', ' ', '65536', '1e3', '9'.repeat(30)].map(
    (port) => ['PORT', port, 'a whole number from 0 to 65535'] as const,
  )
  it.each([
    ...ports,
    ['LIMN_QUEUE_LIMIT', '0', `a whole number from 1 to ${Number.MAX_SAFE_INTEGER}`],
    ['LIMN_DEADLINE_MS', 'soon', `a whole number from 1 to ${Number.MAX_SAFE_INTEGER}`],
    ['LIMN_MAX_BODY_BYTES', '64MB', `a whole number from 1 to ${Number.MAX_SAFE_INTEGER}`],
    ['LIMN_MAX_UPLOAD_BYTES', 'x', `a whole number from 1 to ${Number.MAX_SAFE_INTEGER}`],
    ['LIMN_MAX_PIXELS', '9'.repeat(30), `a whole number from 1 to ${Number.MAX_SAFE_INTEGER}`],
    ['LIMN_PROVIDER', 'gpu', 'auto, cpu, webgpu, cuda, coreml or dml'],
    ['LIMN_PRECISION', 'fp64', 'auto, fp32, fp16, int8, uint8, q4, q4f16 or bnb4'],
    ['LIMN_VARIANT', 'int4', 'auto, fp32, int8 or fp16'],
    ['LIMN_LOG_LEVEL', 'loud', 'fatal, error, warn, info, debug, trace or silent'],
    ['LIMN_SAMPLES', 'maybe', 'true or false (also 1, yes, on; 0, no, off)'],
    ['LIMN_ALLOW_PRIVATE_URLS', '2', 'true or false (also 1, yes, on; 0, no, off)'],
    ['LIMN_PUBLIC_URL', 'ftp://x', 'an address such as https://example.org'],
  ] as const)(
    'the error for %s=%j shows the value and lists what the setting takes',
    (name, given, takes) => {
      expect(() => readConfig({ [name]: given })).toThrow(
        new ConfigError(`These settings cannot be used:\n  ${name} is "${given}"; it takes ${takes}`),
      )
    },
  )
  it('a flag wins over its variable, and an error names the flag', () => {
    expect(readConfig({ PORT: '1' }, { port: '2' }).config.port).toBe(2)
    expect(() => readConfig({ PORT: '1' }, { port: 'x' })).toThrow(/--port is "x"/)
  })
  it("a variable of the Hugging Face tools counts where Limn's own is absent", () => {
    const mirror = { HF_ENDPOINT: 'https://mirror.example/' }
    expect(readConfig(mirror).config.hubUrl).toBe('https://mirror.example')
    const own = { ...mirror, LIMN_HUB_URL: 'https://own.example' }
    expect(readConfig(own).config.hubUrl).toBe('https://own.example')
    expect(() => readConfig({ HF_ENDPOINT: 'x' })).toThrow(/HF_ENDPOINT is "x"/)
    expect(() => readConfig({ HF_TOKEN: 'a b' })).toThrow(/HF_TOKEN is not shown/)
  })
  it('an unknown setting gives a warning', () => {
    expect(readConfig({ LIMN_MODLE: 'x' }).warnings).toEqual([expect.stringContaining('LIMN_MODLE')])
  })
  it('every setting is in the help', () => {
    for (const { name } of settings) expect(describeSettings()).toContain(name)
  })
})

describe('being reachable by others', () => {
  it.each(['127.0.0.1', 'localhost', '::1'])('a server on %s needs no key', (host) =>
    expect(() => checkExposure({ host, apiKey: undefined })).not.toThrow(),
  )
  it.each(['0.0.0.0', '::', '192.168.1.2', 'example.org'])('a server on %s needs a key', (host) => {
    expect(() => checkExposure({ host, apiKey: undefined })).toThrow(/LIMN_API_KEY/)
    expect(() => checkExposure({ host, apiKey: 'x'.repeat(16) })).not.toThrow()
  })
})
