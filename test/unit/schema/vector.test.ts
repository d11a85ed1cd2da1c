import { describe, expect, it } from 'vitest'
import { packVector, unpackVector, vectorBytes } from '../../../schema/core/vector.ts'
import { ItemError } from '../../../workers/errors.ts'
import { dot } from '../../../workers/similarity/vectors.ts'

const codeOf = (work: () => unknown) => {
  try {
    work()
  } catch (error) {
    if (error instanceof ItemError) return error.code
    throw error
  }
}

describe('vectors on the wire', () => {
  const unit = Float32Array.of(0.6, 0, -0.8, 0)

  it('a packed vector is little-endian float32, or float16 at half the size', () => {
    expect(packVector(Float32Array.of(1, 2), 'FLOAT32')).toBe('AACAPwAAAEA=')
    expect(packVector(unit, 'FLOAT32')).toHaveLength(24)
    expect(Buffer.from(packVector(unit, 'FLOAT16'), 'base64')).toHaveLength(8)
  })

  it('a vector is the same after packing and unpacking, in either format', () => {
    expect(unpackVector(vectorBytes(packVector(unit, 'FLOAT32')), 4, 'm')).toEqual(unit)
    const half = unpackVector(vectorBytes(packVector(unit, 'FLOAT16')), 4, 'm')
    expect(dot(half, unit)).toBeCloseTo(1, 6)
  })

  it('an unpacked vector is normalised', () => {
    const long = unpackVector(vectorBytes(packVector(Float32Array.of(3, 4), 'FLOAT32')), 2, 'm')
    expect([...long]).toEqual([Math.fround(0.6), Math.fround(0.8)])
  })

  it('a vector of another length is refused, naming both lengths', () => {
    const bytes = vectorBytes(packVector(unit, 'FLOAT32'))
    expect(() => unpackVector(bytes, 3, 'tiny')).toThrow(/4 float32.*tiny have 3 numbers/)
    expect(codeOf(() => unpackVector(bytes, 3, 'm'))).toBe('WRONG_DIMENSIONS')
    expect(codeOf(() => vectorBytes('not base64!'))).toBe('INVALID')
    for (const bad of [
      [0, 0],
      [Number.NaN, 1],
      [Number.POSITIVE_INFINITY, 1],
    ])
      expect(
        codeOf(() => unpackVector(vectorBytes(packVector(Float32Array.from(bad), 'FLOAT32')), 2, 'm')),
      ).toBe('INVALID')
  })
})
