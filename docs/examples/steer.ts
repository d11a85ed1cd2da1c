/**
 * Steers an image towards a prompt by calling `guide` in a loop: `npx node docs/examples/steer.ts IMAGE "PROMPT" [STEPS]`
 * writes steered.png. The loop is what an external generator does too: it asks for the gradient, and moves what it has
 * (pixels here; latents of a diffusion model, a canvas' strokes elsewhere) a little against it.
 */
import { readFile, writeFile } from 'node:fs/promises'
import sharp from 'sharp'

const [file, prompt, steps = '40'] = process.argv.slice(2)
if (!file || !prompt) throw new Error('usage: npx node docs/examples/steer.ts IMAGE "PROMPT" [STEPS]')
const url = process.env.LIMN_URL ?? 'http://127.0.0.1:4000/graphql'

const query = `query ($image: ImageInput!, $prompt: String, $seed: Int) {
  guide(image: $image, prompt: $prompt, options: { cutouts: 8, seed: $seed }) {
    loss
    gradient(format: FLOAT16, normalise: true) { width height data }
  }
}`

async function guide(png: Buffer, seed: number) {
  const variables = { image: { base64: png.toString('base64') }, prompt, seed }
  const headers = {
    'content-type': 'application/json',
    ...(process.env.LIMN_KEY && { 'x-api-key': process.env.LIMN_KEY }),
  }
  const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify({ query, variables }) })
  const { data, errors } = await response.json()
  if (errors) throw new Error(errors[0].message)
  return data.guide
}

const { data, info } = await sharp(await readFile(file))
  .resize(192, 192, { fit: 'inside' })
  .flatten({ background: '#fff' })
  .removeAlpha()
  .raw()
  .toBuffer({ resolveWithObject: true })
const image = Float32Array.from(data, (v) => v / 255)
const velocity = new Float32Array(image.length)
const encoded = () =>
  sharp(Buffer.from(Uint8ClampedArray.from(image, (v) => v * 255).buffer), {
    raw: { width: info.width, height: info.height, channels: 3 },
  })
    .png()
    .toBuffer()

for (let step = 0; step < Number(steps); step++) {
  const { loss, gradient } = await guide(await encoded(), step)
  const direction = new Float16Array(new Uint8Array(Buffer.from(gradient.data, 'base64')).buffer)
  // Momentum, and a step that shrinks: 4 % of the range at first.
  const rate = 0.04 * (1 - step / Number(steps))
  for (let i = 0; i < image.length; i++) {
    velocity[i] = 0.7 * velocity[i]! + 0.3 * direction[i]!
    image[i] = Math.min(1, Math.max(0, image[i]! - rate * velocity[i]!))
  }
  process.stderr.write(`\rstep ${step + 1} of ${steps}, loss ${loss.toFixed(3)} `)
}
await writeFile('steered.png', await encoded())
console.log('\nsteered.png')
