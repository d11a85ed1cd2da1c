import { type Client, gql, type TypedDocumentNode } from '@urql/core'

export interface Drawing {
  id: string
  status: 'QUEUED' | 'RUNNING' | 'DONE' | 'STOPPED' | 'FAILED'
  step: number
  steps: number
  svg: string | null
  error: string | null
}

interface StartData {
  startDrawing: { drawing: { id: string } | null; userErrors: { field: string[] | null; message: string }[] }
}

const START: TypedDocumentNode<StartData, { input: Record<string, unknown> }> = gql`
  mutation Start($input: StartDrawingInput!) {
    startDrawing(input: $input) { drawing { id } userErrors { field message } }
  }
`

const FOLLOW: TypedDocumentNode<{ drawing: Drawing | null }, { id: string }> = gql`
  subscription Follow($id: ID!) {
    drawing(id: $id) { id status step steps svg error }
  }
`

/** Shows a drawing at every few steps, and returns it at its last. The cache holds each step too, under its id. */
export async function draw(
  limn: Client,
  input: { prompt: string; generator: 'SHAPES' | 'STROKES'; steps?: number; width?: number; height?: number },
  show: (drawing: Drawing) => void = () => {},
): Promise<Drawing> {
  const { data, error } = await limn.mutation(START, { input }).toPromise()
  if (!data?.startDrawing) throw error ?? new Error('The server has sent nothing.')
  const { drawing, userErrors } = data.startDrawing
  if (!drawing) throw new Error(userErrors.map(({ message }) => message).join(' '))
  return new Promise((resolve, reject) => {
    limn.subscription(FOLLOW, { id: drawing.id }).subscribe(({ data, error, hasNext }) => {
      if (error || !data?.drawing) return reject(error ?? new Error('The drawing is gone.'))
      // The server ends the subscription after the last step, and urql then says that step once more.
      if (hasNext) show(data.drawing)
      else resolve(data.drawing)
    })
  })
}
