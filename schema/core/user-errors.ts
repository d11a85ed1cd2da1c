/** Errors of a mutation that its caller can mend: they are data, and every payload has them. */
import { BadUserInput, echoed, type ItemErrorCode, ModelNotFound } from '../../workers/errors.ts'
import { builder } from './builder.ts'
import { InputErrorCode } from './errors.ts'

export interface UserErrorObject {
  field: string[] | null
  code: ItemErrorCode
  message: string
}

export interface WithUserErrors {
  userErrors: UserErrorObject[]
}

const UserError = builder.objectRef<UserErrorObject>('UserError').implement({
  description: 'Why a mutation did not do a part of what it was asked for, and how to mend the input.',
  fields: (t) => ({
    field: t.exposeStringList('field', {
      nullable: true,
      description:
        'Path of the argument, e.g. ["input", "prompts", "0"]; null where it is not about one argument alone.',
    }),
    code: t.field({
      type: InputErrorCode,
      description: 'The reason, for programs.',
      resolve: ({ code }) => code,
    }),
    message: t.exposeString('message', { description: 'The reason and what to do about it, for people.' }),
  }),
})

/** The field `userErrors` of a payload. */
export const userErrorsField = {
  type: [UserError] as [typeof UserError],
  description:
    'What is wrong with the input; empty when all was done. A request that is refused as a whole, or a fault of the server, is a GraphQL error.',
  complexity: { field: 0, multiplier: 1 },
  resolve: ({ userErrors }: WithUserErrors) => userErrors,
}

/**
 * Runs a mutation; an error that its caller can mend becomes data.
 * @param nothing the payload when nothing was done
 */
export async function withUserErrors<Done extends object, Nothing extends object>(
  nothing: Nothing,
  mutate: () => Promise<Done & Partial<WithUserErrors>>,
): Promise<(Done | Nothing) & WithUserErrors> {
  try {
    return { userErrors: [], ...(await mutate()) }
  } catch (error) {
    return { ...nothing, userErrors: [asUserError(error)] }
  }
}

/** @throws every error that is not the caller's to mend */
function asUserError(error: unknown): UserErrorObject {
  if (error instanceof ModelNotFound)
    return { field: ['input', 'model'], code: 'NOT_FOUND', message: error.message }
  if (!(error instanceof BadUserInput)) throw error
  const { argument, inputErrorCode = 'INVALID' } = error.details as {
    argument?: string
    inputErrorCode?: ItemErrorCode
  }
  return {
    field: argument === undefined ? null : pathOf(argument),
    code: inputErrorCode,
    message: error.message,
  }
}

/** The path of `input.prompts[2]` and the like. */
const pathOf = (argument: string): string[] => argument.split(/[.[\]]+/).filter((part) => part !== '')

/** NOT_FOUND for each of the ids that was not among those found. */
export function unknownIds(
  ids: readonly string[],
  found: readonly string[],
  what: string,
): UserErrorObject[] {
  const known = new Set(found)
  return ids.flatMap((id, index): UserErrorObject[] =>
    known.has(id)
      ? []
      : [
          {
            field: ['input', 'ids', String(index)],
            code: 'NOT_FOUND',
            message: `There is no ${what} "${echoed(id)}".`,
          },
        ],
  )
}
