import { parsePalette } from '../../workers/drawing/generators/colours.ts'
import { type GeneratorName, generatorNamed } from '../../workers/drawing/generators/index.ts'
import { BadUserInput, echoed } from '../../workers/errors.ts'
import { limits } from '../../workers/limits.ts'

interface DrawingInput {
  generator: GeneratorName
  steps: number
  width: number
  height: number
  elements: number
  palette?: readonly string[] | null
  start?: unknown
}

/** Checks what needs no model and no image. @throws BadUserInput naming the field and its limit */
export function checkDrawing({
  generator,
  steps,
  width,
  height,
  elements,
  palette,
  start,
}: DrawingInput): void {
  within('steps', steps, 1, limits.runSteps)
  within('width', width, ...limits.runEdge)
  within('height', height, ...limits.runEdge)
  within('elements', elements, 1, limits.runElements)
  if (Math.max(width, height) > limits.runAspect * Math.min(width, height))
    throw new BadUserInput(
      `${width} x ${height} is too long: at most ${limits.runAspect} times as long as wide.`,
      { argument: 'input' },
    )
  try {
    parsePalette(palette)
  } catch (error) {
    if (!(error instanceof BadUserInput)) throw error
    // The run's own thread would throw it too, but without the name of the argument.
    throw new BadUserInput(`input.${error.message}`, { argument: 'input.palette' })
  }
  const { needsStart } = generatorNamed(generator)
  if (needsStart && !start)
    throw new BadUserInput(`${generator} needs start: ${needsStart}.`, { argument: 'input.start' })
}

function within(name: string, value: number, min: number, max: number): void {
  if (!(value >= min && value <= max))
    throw new BadUserInput(`${name} is ${value}; it must be ${min} to ${max}.`, { argument: `input.${name}` })
}

export const unknownDrawing = (id: string, argument: string): BadUserInput =>
  new BadUserInput(`There is no drawing "${echoed(id)}".`, { argument, inputErrorCode: 'NOT_FOUND' })
