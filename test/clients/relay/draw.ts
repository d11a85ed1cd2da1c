import { type Environment, graphql, requestSubscription } from 'relay-runtime'
import type { drawMutation } from './__generated__/drawMutation.graphql.ts'
import type { drawSubscription } from './__generated__/drawSubscription.graphql.ts'
import { commit } from './upload.ts'

export type Drawing = NonNullable<drawSubscription['response']['drawing']>

/** Shows a drawing at every few steps, and returns it at its last. The store holds each step too, under its id. */
export async function draw(
  limn: Environment,
  input: drawMutation['variables']['input'],
  show: (drawing: Drawing) => void = () => {},
): Promise<Drawing> {
  const { startDrawing } = await commit<drawMutation>(limn, {
    mutation: graphql`
      mutation drawMutation($input: StartDrawingInput!) {
        startDrawing(input: $input) { drawing { id } userErrors { field message } }
      }
    `,
    variables: { input },
  })
  const { drawing, userErrors } = startDrawing!
  if (!drawing) throw new Error(userErrors.map(({ message }) => message).join(' '))
  return new Promise((resolve, reject) => {
    let last: Drawing
    requestSubscription<drawSubscription>(limn, {
      subscription: graphql`
        subscription drawSubscription($id: ID!) {
          drawing(id: $id) { id status step steps svg error }
        }
      `,
      variables: { id: drawing.id },
      onNext(frame) {
        if (!frame?.drawing) return reject(new Error('The drawing is gone.'))
        last = frame.drawing
        show(last)
      },
      onError: reject,
      onCompleted: () => resolve(last),
    })
  })
}
