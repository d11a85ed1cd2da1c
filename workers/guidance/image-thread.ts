/** Body of the thread that decodes images to guide, makes their views and brings gradients back to them. */

import sharp from 'sharp'
import { serveTasks } from '../runtime/session/tasks.ts'
import { GuidedImage } from './guided-image.ts'
import type { ImageTasks } from './image-tasks.ts'

sharp.concurrency(1)
sharp.cache(false)

const images = new Map<number, GuidedImage>()

function open(id: number): GuidedImage {
  const image = images.get(id)
  if (!image) throw new Error('the image is not open')
  return image
}

const tasks: ImageTasks = {
  async open(id, bytes, spec, limits) {
    const image = await GuidedImage.open(bytes, spec, limits)
    images.set(id, image)
    return { width: image.width, height: image.height }
  },
  sampleCutouts: (id, cutouts, seed) => open(id).sampleCutouts(cutouts, seed),
  views: (id, from, to) => open(id).views(from, to),
  plain: (id) => open(id).plain(),
  accumulate: (id, from, gradients) => open(id).accumulate(from, gradients),
  // A copy goes out: a step may still be made from the gradient.
  gradient: (id) => open(id).gradient().slice(),
  step: (id, rate) => open(id).step(rate),
  overlay: (id, values, columns, rows) => open(id).overlay(values, columns, rows),
  close: (id) => void images.delete(id),
}

await serveTasks(async () => ({ ready: null, tasks }))
