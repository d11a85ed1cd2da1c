/** Which image sets are drawn, and what each is for. The only file that names them. */

/** Licences that allow training and redistribution of what was learnt; everything else stays out. */
export const openLicences = new Set([
  'MIT',
  'Apache-2.0',
  'ISC',
  'CC0-1.0',
  'CC-BY-4.0',
  'CC-BY-3.0',
  'OFL-1.1',
  'Unlicense',
  'BSD-3-Clause',
  'BSD-2-Clause',
])

/** Never trained, tuned or filtered with: they are for the verdict alone. */
export const reserved = new Set(['ph', 'openmoji', 'fluent-emoji-high-contrast'])

/** Hold-outs for development: whole sets that training does not see. */
export const holdOuts = new Set(['lucide', 'fluent-emoji-flat'])

/** Sets that redraw a hold-out or a reserved set, line for line. */
const relatives = ['feather', 'lucide-lab', 'keyline-icons', 'meteor-icons', 'vadivam', 'fluent-emoji']

/** Earlier editions of a set that is there, animations, and marks whose names are no English. */
const unfit = [
  ...['fa', 'fa-solid', 'fa-regular', 'fa-brands', 'fa6-solid', 'fa6-regular', 'fa6-brands', 'fa7-brands'],
  ...['bx', 'bxs', 'bxl', 'heroicons-outline', 'heroicons-solid', 'line-md', 'svg-spinners', 'dinkie-icons'],
  ...[
    'selfhst',
    'thesvg',
    'thesvg-color',
    'token',
    'token-branded',
    'cryptocurrency',
    'cryptocurrency-color',
    'cib',
  ],
  ...[
    'streamline-logos',
    'devicon',
    'devicon-plain',
    'file-icons',
    'material-icon-theme',
    'catppuccin',
    'skill-icons',
  ],
  ...['vscode-icons', 'gcp', 'k8s', 'unjs', 'nonicons', 'bitcoin-icons', 'flag', 'cif'],
]
export const excluded = new Set([...reserved, ...relatives, ...unfit])

/** Sets of brand marks: names are brands, captions say "logo". */
export const logoSets = new Set(['simple-icons', 'logos'])

/** Sets that draw a country's flag under its two-letter code. */
export const flagSets = new Set(['circle-flags', 'flagpack'])

/** How many drawings of one name a set may bring; big families would drown the rest. */
export const variantsPerName: Record<string, number> = { iconmind: 2, 'material-symbols-light': 1, ic: 2 }
export const defaultVariants = 3

/** What a whole set looks like, in a designer's words. */
export const setStyles: Record<string, string[]> = {
  'streamline-pixel': ['pixel art', 'pixelated'],
  pixelarticons: ['pixel art', 'pixelated'],
  pixel: ['pixel art', 'pixelated'],
  memory: ['pixel art'],
  'streamline-freehand': ['hand drawn', 'sketch', 'doodle'],
  'streamline-freehand-color': ['hand drawn', 'sketch', 'doodle'],
  'streamline-stickies-color': ['sticker'],
  'streamline-kameleon-color': ['flat', 'round badge'],
  'streamline-emojis': ['emoji'],
  'flat-color-icons': ['flat', 'flat colour', 'colourful'],
  'flat-ui': ['flat', 'flat colour'],
  'fluent-color': ['gradient', 'colourful'],
  meteocons: ['weather icon', 'colourful'],
  'pepicons-print': ['print', 'offset'],
  'game-icons': ['fantasy game', 'glyph'],
  noto: ['emoji'],
  'noto-v1': ['emoji'],
  twemoji: ['emoji', 'flat'],
  emojione: ['emoji'],
  'emojione-monotone': ['emoji', 'monochrome'],
  fxemoji: ['emoji'],
  openclipart: ['clip art', 'clipart', 'illustration'],
}
