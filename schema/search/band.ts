import { type Band, lowestOf } from '../../workers/relevance/judge.ts'
import { builder } from '../core/builder.ts'

export const RelevanceBand = builder.enumType('RelevanceBand', {
  description: 'How probable it is that a search result fits.',
  values: {
    STRONG: { description: `It rather fits than not: relevance of ${lowestOf.STRONG} or more.` },
    FAIR: { description: `Worth a look: relevance of ${lowestOf.FAIR} or more.` },
    WEAK: { description: 'Most such results do not fit.' },
  } satisfies Record<Band, { description: string }>,
})
