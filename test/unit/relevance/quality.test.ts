import { describe, expect, it } from 'vitest'
import {
  auroc,
  calibrationError,
  falseAlarms,
  thresholdKeeping,
  type Verdict,
} from '../../../workers/relevance/quality.ts'

const verdicts = (...pairs: [number, 0 | 1, number?][]): Verdict[] =>
  pairs.map(([probability, label, weight = 1]) => ({ probability, label, weight }))

describe('quality of probabilities', () => {
  it('AUROC is the share of pairs in the right order, ties counting half', () => {
    expect(auroc(verdicts([0.9, 1], [0.8, 0], [0.7, 1], [0.1, 0]))).toBe(0.75)
    expect(auroc(verdicts([0.5, 1], [0.5, 0]))).toBe(0.5)
    expect(auroc(verdicts([0.9, 1, 3], [0.8, 0], [0.7, 1]))).toBe(0.75)
  })

  it('AUROC of labels of one kind is no number', () => {
    expect(auroc(verdicts([0.5, 1]))).toBeNaN()
  })

  it('a threshold keeps the share of true cases that it is asked to, and no more than needed', () => {
    const cases = verdicts(
      ...Array.from({ length: 20 }, (_, n): [number, 1] => [n / 20, 1]),
      [0.5, 0],
      [0.01, 0],
    )
    const threshold = thresholdKeeping(0.95, cases)
    expect(threshold).toBe(1 / 20)
    expect(falseAlarms(threshold, cases)).toBe(0.5)
  })

  it('the calibration error is how far what was said is from what was true', () => {
    expect(calibrationError(verdicts([0.75, 1, 3], [0.75, 0]))).toBeCloseTo(0)
    expect(calibrationError(verdicts([0.95, 0], [0.95, 1]))).toBeCloseTo(0.45)
    expect(calibrationError(verdicts([0.05, 1], [0.95, 0]))).toBeCloseTo(0.95)
  })
})
