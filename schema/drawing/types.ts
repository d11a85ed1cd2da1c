/** GraphQL types of drawings. */
import { type GeneratorRow, generators } from '../../workers/drawing/generators/index.ts'
import type { RunRow } from '../../workers/drawing/runs/run-store.ts'
import { builder } from '../core/builder.ts'
import { ImageData, type ImageDataObject } from '../core/image-data.ts'
import { isRunId } from '../relay/ids.ts'

export const DrawingStatus = builder.enumType('DrawingStatus', {
  description: 'How far a drawing has come.',
  values: {
    QUEUED: { description: 'Waits for the drawings before it.' },
    RUNNING: { description: 'Is being made, or will be resumed after a restart.' },
    DONE: { description: 'All steps are made.' },
    STOPPED: { description: 'Was stopped; the last saved step is kept.' },
    FAILED: { description: 'Could not be made; error says why.' },
  },
})

type GeneratorValues = Record<(typeof generators)[number]['name'], { description: string }>

export const DrawingGenerator = builder.enumType('DrawingGenerator', {
  description: 'The method that makes the image; it determines which parts of the image may change.',
  values: Object.fromEntries(
    generators.map(({ name, description }: GeneratorRow) => [name, { description }]),
  ) as GeneratorValues,
})

const nameOf = (generator: string) => generators.find(({ name }) => name === generator)?.name ?? null

const previewOf = ({ preview, previewWidth, previewHeight }: RunRow): ImageDataObject | null =>
  preview && { mimeType: 'image/png', width: previewWidth, height: previewHeight, bytes: preview }

export const Drawing = builder.node(builder.objectRef<RunRow>('Drawing'), {
  description: 'An image that the server draws step by step. It survives a restart of the server.',
  id: { resolve: ({ id }) => id },
  loadWithoutCache: (id, { runs }) => (isRunId(id) ? runs.get(id) : null),
  fields: (t) => ({
    status: t.field({
      type: DrawingStatus,
      description: 'How far the drawing has come.',
      resolve: ({ status }) => status,
    }),
    generator: t.field({
      type: DrawingGenerator,
      nullable: true,
      description: 'The method that makes the image; null for one that this server does not have.',
      resolve: ({ generator }) => nameOf(generator),
    }),
    step: t.exposeInt('step', { description: 'The last saved step.' }),
    steps: t.exposeInt('steps', { description: 'Number of steps in all.' }),
    loss: t.exposeFloat('loss', {
      nullable: true,
      description: 'Loss of the whole image before that step; null before the first step.',
    }),
    preview: t.field({
      type: ImageData,
      nullable: true,
      description: 'The image at that step, or the rendered SVG; its longer edge is at most 512 pixels.',
      complexity: 5,
      resolve: previewOf,
    }),
    svg: t.exposeString('svg', { nullable: true, description: 'The SVG at that step; null for PIXELS.' }),
    error: t.exposeString('error', { nullable: true, description: 'Why the drawing failed.' }),
    createdAt: t.field({
      type: 'DateTime',
      description: 'When it was started.',
      resolve: ({ createdAt }) => createdAt,
    }),
  }),
})
