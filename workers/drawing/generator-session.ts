/** A generator's graph in ONNX Runtime: alone, and with the gradients of its parameters. */
import * as ort from 'onnxruntime-node'
import { differentiate } from '../autodiff/differentiate.ts'
import { writeModel } from '../onnx/file.ts'
import { valueInfo } from '../onnx/writer.ts'
import { type Controls, type Generator, imageName } from './generators/generator.ts'

/** Input of the backward graph: the gradient with respect to the image. */
const cotangent = 'limn_cotangent'

const sessionOptions = { intraOpNumThreads: 1, interOpNumThreads: 1, logSeverityLevel: 4 } as const

export class GeneratorSession {
  readonly #generator: Generator
  readonly #forward: ort.InferenceSession
  readonly #backward: ort.InferenceSession
  /** Outputs of the backward graph, in the order of the parameters. */
  readonly #gradients: readonly string[]

  private constructor(
    generator: Generator,
    forward: ort.InferenceSession,
    backward: ort.InferenceSession,
    gradients: readonly string[],
  ) {
    this.#generator = generator
    this.#forward = forward
    this.#backward = backward
    this.#gradients = gradients
  }

  /** The generator's model becomes the backward graph. */
  static async open(generator: Generator): Promise<GeneratorSession> {
    const { model, parameters, width, height } = generator
    const forward = await ort.InferenceSession.create(writeModel(model), sessionOptions)
    const { gradients } = await differentiate(model, {
      inputs: parameters.map(({ name }) => name),
      output: imageName,
      feeds: feedsOf(generator, generator.controls(0)),
      seed(writer) {
        writer.graph.input!.push(valueInfo({ name: cotangent, shape: [3, width * height] }))
        return cotangent
      },
    })
    // The backward graph need not give the image, which is known by then.
    model.graph!.output = gradients.map((name, i) =>
      valueInfo({ name, shape: parameters[i]!.dims.map((_, d) => `d${i}_${d}`) }),
    )
    const backward = await ort.InferenceSession.create(writeModel(model), sessionOptions)
    return new GeneratorSession(generator, forward, backward, gradients)
  }

  /** The image that the parameters make now: [3, height * width], RGB in 0..1. */
  async image(controls: Controls): Promise<Float32Array> {
    const { [imageName]: image } = await this.#forward.run(feedsOf(this.#generator, controls))
    return (image!.data as Float32Array).slice()
  }

  /** Gradients of the parameters, in their order, for a gradient with respect to the image. */
  async gradients(controls: Controls, imageGradient: Float32Array): Promise<Float32Array[]> {
    const feeds = feedsOf(this.#generator, controls)
    feeds[cotangent] = new ort.Tensor('float32', imageGradient, [3, imageGradient.length / 3])
    const results = await this.#backward.run(feeds)
    return this.#gradients.map((name) => results[name]!.data as Float32Array)
  }
}

function feedsOf({ parameters }: Generator, controls: Controls): Record<string, ort.Tensor> {
  const feeds: Record<string, ort.Tensor> = {}
  for (const { name, data, dims } of parameters) feeds[name] = new ort.Tensor('float32', data.slice(), dims)
  for (const [name, value] of Object.entries(controls))
    feeds[name] = new ort.Tensor('float32', Float32Array.of(value), [])
  return feeds
}
