/** The name under which palettes are kept as enrichments; the database's trigger limn_keep_colours knows it too. */
export const coloursEnricher = {
  name: 'colours',
  /** Another one whenever palettes would come out otherwise. */
  revision: '1',
} as const
