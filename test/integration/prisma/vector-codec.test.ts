/** Our binary form of vectors against the npm package pgvector, which reads and writes their text form. */
import type pg from 'pg'
import { fromSql, toSql } from 'pgvector'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { decodeVector, encodeVector, encodeVectors } from '../../../prisma/vectors/sql.ts'
import { uniform } from '../../../workers/random.ts'
import { openTestPool } from '../../support/database.ts'

let pool: pg.Pool
let close: () => Promise<void>

beforeAll(async () => {
  ;({ pool, close } = await openTestPool())
})
afterAll(() => close())

const random = uniform(3)
const vectors = [
  Float32Array.of(0),
  Float32Array.of(0.1, -1 / 3, 1e-20, -3.4e38, 16777217),
  Float32Array.of(1e-45, 1.1754944e-38),
  Float32Array.from({ length: 512 }, () => random() - 0.5),
  Float32Array.from({ length: 2000 }, () => (random() - 0.5) * 10 ** (random() * 60 - 30)),
]

it.each(vectors)(
  'the text of a vector that our codec wrote is read by pgvector as that vector (%#)',
  async (vector) => {
    const { rows } = await pool.query('SELECT $1::vector::text AS text', [encodeVector(vector)])
    expect(Float32Array.from(fromSql(rows[0].text) as number[])).toEqual(vector)
  },
)

it('the texts of an array of vectors that our codec wrote are read by pgvector as those vectors', async () => {
  const { oid } = (await pool.query(`SELECT 'vector'::regtype::oid::int AS oid`)).rows[0]
  const { rows } = await pool.query('SELECT v::text AS text FROM unnest($1::vector[]) AS v', [
    encodeVectors(vectors, oid),
  ])
  expect(rows.map(({ text }) => Float32Array.from(fromSql(text) as number[]))).toEqual(vectors)
})

it.each(vectors)(
  'the bytes of a vector that pgvector wrote as text are read by our codec as that vector (%#)',
  async (vector) => {
    const { rows } = await pool.query('SELECT vector_send($1::text::vector) AS bytes', [toSql([...vector])])
    expect(decodeVector(rows[0].bytes)).toEqual(vector)
  },
)
