import { describe, expect, it } from 'vitest'
import { embedded } from '../../../prisma/backends/embedded.ts'
import { postgres } from '../../../prisma/backends/postgres.ts'
import { checkVector, decodeVector, encodeVector, vectorIndex } from '../../../prisma/vectors/sql.ts'

const space = { revision: 'abc', name: 'tiny', dimensions: 3 }

describe('vectors in SQL', () => {
  it('vectors come back from the binary form bit for bit', () => {
    const vector = Float32Array.of(0.1, -1e-30, 3.4e38, 0)
    expect(decodeVector(encodeVector(vector))).toEqual(vector)
  })

  it('an index is refused for a revision that could leave its quotes', () => {
    expect(() => vectorIndex(postgres.index, { ...space, revision: "a' OR TRUE --" })).toThrow(
      'cannot be a model revision',
    )
    expect(() => vectorIndex(postgres.index, { ...space, dimensions: 2001 })).toThrow('1 to 2000')
  })

  it('each revision and precision has an index name of its own within 63 bytes', () => {
    const names = ['a'.repeat(128), 'b'].flatMap((revision) =>
      [embedded, postgres].map(({ index }) => vectorIndex(index, { ...space, revision }).name),
    )
    expect(new Set(names).size).toBe(4)
    for (const name of names) expect(name.length).toBeLessThanOrEqual(63)
  })

  it('the error of a wrong vector names both lengths', () => {
    expect(() => checkVector(new Float32Array(4), space)).toThrow(/4 dimensions.*"tiny", which has 3/)
    expect(() => checkVector(Float32Array.of(1, Number.NaN, 0), space)).toThrow('not finite')
  })
})
