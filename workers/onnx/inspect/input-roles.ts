/** What each input of an encoder's graph is for, by the names that exporters give. */

export type InputRole = 'pixels' | 'ids' | 'mask' | 'types' | 'positions'

export interface RoleInput {
  name: string
  /** Whether its elements are floating-point numbers. */
  isFloat: boolean
  rank: number | null
}

const roles: [InputRole, RegExp][] = [
  ['mask', /^(input_|text_|attention_)?mask$|attention_mask$/],
  ['types', /(^|_)(token_)?type_ids$|^segment_ids$/],
  ['positions', /(^|_)position_ids$/],
  ['pixels', /^(input_)?(pixel_values|pixels|images?)(_input)?$/],
  ['ids', /^(input_|token_|text_)?ids$|^(input_)?(texts?|tokens)(_input)?$/],
]

/** Masks and sizes of images: models of images of any shape want them. */
const unfed = /(pixel|image).*(mask|sizes?|shapes?)$|spatial_shapes$/

/**
 * A role for each input. A name that is none of the usual counts by its shape where no other input has that role: an
 * image is the one input of four dimensions in floating point, a text the one of whole numbers in two. Null: unknown.
 */
export function inputRoles(inputs: readonly RoleInput[]): Map<string, InputRole | null> {
  const found = new Map(
    inputs.map(({ name }) => [
      name,
      unfed.test(name) ? null : (roles.find(([, pattern]) => pattern.test(name))?.[0] ?? null),
    ]),
  )
  const byShape = (role: InputRole, isFloat: boolean, rank: number) => {
    if ([...found.values()].includes(role)) return
    const fitting = inputs.filter(
      (input) =>
        found.get(input.name) === null &&
        !unfed.test(input.name) &&
        input.isFloat === isFloat &&
        input.rank === rank,
    )
    if (fitting.length === 1) found.set(fitting[0]!.name, role)
  }
  byShape('pixels', true, 4)
  byShape('ids', false, 2)
  return found
}
