/** The colours of an image, as fields of Asset. */
import type { AssetRow } from '../../prisma/types.ts'
import { familyOf } from '../../workers/colour/families.ts'
import type { Ground } from '../../workers/colour/ground.ts'
import { labOfHex } from '../../workers/colour/oklab.ts'
import type { PaletteColour } from '../../workers/colour/palette.ts'
import { shareWithin } from '../../workers/colour/stored.ts'
import { limits } from '../../workers/limits.ts'
import { builder } from '../core/builder.ts'
import { Asset } from './asset.ts'
import {
  ColourFamily,
  checkedHexes,
  checkedTolerance,
  defaultTolerance,
  toleranceDescription,
} from './colour-inputs.ts'

const GroundKind = builder.enumType('GroundKind', {
  description: 'What an image lies on.',
  values: {
    TRANSPARENT: { description: 'Transparency.' },
    WHITE: { description: 'White, as paper: a good part of the border is white.' },
  },
})

const GroundType = builder.objectRef<Ground>('Ground').implement({
  description: 'What an image lies on; it is no colour of its palette.',
  fields: (t) => ({
    kind: t.field({ type: GroundKind, description: 'Transparent or white.', resolve: ({ kind }) => kind }),
    share: t.exposeFloat('share', { description: "Of the image's area, 0..1." }),
  }),
})

const PaletteColourType = builder.objectRef<PaletteColour>('PaletteColour').implement({
  description: 'A colour of an image.',
  fields: (t) => ({
    hex: t.exposeString('hex', { description: 'In sRGB, such as #0a84ff.' }),
    share: t.exposeFloat('share', {
      description: 'Of what is drawn, the ground left out. The shares of a palette add up to 1.',
    }),
    family: t.field({
      type: ColourFamily,
      description: 'The name of the colour.',
      resolve: ({ hex }) => familyOf(labOfHex(hex)),
    }),
  }),
})

builder.objectFields(Asset, (t) => ({
  palette: t.field({
    type: [PaletteColourType],
    nullable: true,
    description:
      'Its colours, at most eight, the one of the largest area first. Null until they are known, soon after the image was added; empty where it is blank.',
    resolve: async (asset: AssetRow, _args, { loaders }) =>
      (await loaders.palette.load(asset.id))?.colours ?? null,
  }),
  ground: t.field({
    type: GroundType,
    nullable: true,
    description: 'What it lies on. Null for an image without a ground, and until its colours are known.',
    resolve: async (asset: AssetRow, _args, { loaders }) =>
      (await loaders.palette.load(asset.id))?.ground ?? null,
  }),
  paletteShare: t.float({
    nullable: true,
    description:
      'Of what is drawn, the share in one of the given colours, 0..1: 1 for an image that keeps to a brand. Null until its colours are known.',
    args: {
      colours: t.arg.stringList({
        required: true,
        description: `Hex colours such as #0a84ff, at most ${limits.paletteColours}.`,
      }),
      tolerance: t.arg.float({
        required: true,
        defaultValue: defaultTolerance,
        description: toleranceDescription,
      }),
    },
    resolve: async (asset: AssetRow, { colours, tolerance }, { loaders }) => {
      const wanted = checkedHexes(colours, 'colours').map(labOfHex)
      const within = checkedTolerance(tolerance, 'tolerance')
      const palette = await loaders.palette.load(asset.id)
      return palette ? shareWithin(palette, wanted, within) : null
    },
  }),
}))
