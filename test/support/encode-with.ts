/**
 * Encodes with one provider and prints the vectors as JSON: `node encode-with.ts PROVIDER`. A process of its own,
 * because a graphics driver is chosen by the environment that a process starts with.
 */
import { openEncoder, vectors } from './encoders.ts'
import { testImages } from './images.ts'

const provider = process.argv[2] as 'cpu' | 'webgpu'
const encoder = await openEncoder({ provider })
const inputs = [
  ...(await testImages(5)).map((image) => ({ image })),
  ...['a red heart', 'house', 'an arrow that points to the left'].map((text) => ({ text })),
]
const found = vectors(await encoder.encode(inputs))
const { provider: used } = await encoder.get()
await encoder.close()
console.log(JSON.stringify({ provider: used, vectors: found.map((vector) => [...vector]) }))
