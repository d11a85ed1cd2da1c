/** A data folder or a database that cannot be used. Shown at start and by `limn doctor`; nothing was touched. */
export class StartupError extends Error {
  override readonly name = 'StartupError'
}

/** A vector of another length than the model's. A bug of the caller: the schema checks what users give. */
export class WrongDimensions extends Error {
  override readonly name = 'WrongDimensions'
  constructor(found: number, expected: number) {
    super(`A vector has ${found} dimensions; this model's have ${expected}.`)
  }
}
