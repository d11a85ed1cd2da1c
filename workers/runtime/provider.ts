/** Execution providers of ONNX Runtime that Limn can ask for: the CPU first, then GPUs. */
export const providers = ['cpu', 'webgpu', 'cuda', 'coreml', 'dml'] as const

export type Provider = (typeof providers)[number]
