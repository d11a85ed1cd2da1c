/** Prints how often each test passed and how long it took, where tests are repeated (LIMN_TEST_REPEAT). */
import { stripVTControlCharacters } from 'node:util'
import type { Reporter, TestCase } from 'vitest/node'

export default class AttemptsReporter implements Reporter {
  readonly #lines: string[] = []

  onTestCaseResult(test: TestCase): void {
    const attempts = test.attempts().filter(({ state }) => state !== 'skipped')
    if (attempts.length === 0) return
    const passed = attempts.filter(({ state }) => state === 'passed')
    const seconds = attempts.map(({ duration }) => duration / 1000)
    const mean = seconds.reduce((sum, one) => sum + one, 0) / seconds.length
    const cells = [
      `${passed.length} of ${attempts.length} passed`,
      `${mean.toFixed(1)} s each, ${Math.max(...seconds).toFixed(1)} s at most`,
      `${test.project.name}: ${test.fullName}`,
    ]
    this.#lines.push(cells.join(' | '))
  }

  onTestRunEnd(): void {
    console.log(`\n${stripVTControlCharacters(this.#lines.join('\n'))}`)
  }
}
