import type { Notice as NoticeObject, noticeCodes } from '../workers/ingest/advice/notices.ts'
import { builder } from './core/builder.ts'

const NoticeCode = builder.enumType('NoticeCode', {
  description: 'What a notice is about.',
  values: {
    MODEL_KNOWS_NO_PHOTOGRAPHS: {
      description:
        'Images of the library look like photographs, and the model was made for icons and illustrations.',
    },
  } satisfies Record<(typeof noticeCodes)[number], { description: string }>,
})

export const Notice = builder.objectRef<NoticeObject>('Notice').implement({
  description: 'Something that whoever runs the server should know: nothing fails, but it could be better.',
  fields: (t) => ({
    code: t.field({ type: NoticeCode, description: 'For programs.', resolve: ({ code }) => code }),
    message: t.exposeString('message', { description: 'For people: what it is, and what mends it.' }),
    command: t.exposeString('command', { description: 'The command that mends it.' }),
  }),
})
