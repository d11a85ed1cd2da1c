/** How good a probability is: whether it tells apart, and whether it means what it says. */

/** A judged case: the probability that was given and what was true. */
export interface Verdict {
  probability: number
  label: 0 | 1
  /** How much it counts. */
  weight: number
}

/** Area under the ROC curve: how often a true case is above a false one; ties count half. */
export function auroc(verdicts: readonly Verdict[]): number {
  const sorted = [...verdicts].sort((a, b) => a.probability - b.probability)
  let [below, area, trues, untrue] = [0, 0, 0, 0]
  for (let from = 0; from < sorted.length; ) {
    let [here, untrueHere, to] = [0, 0, from]
    for (; to < sorted.length && sorted[to]!.probability === sorted[from]!.probability; to++) {
      const { label, weight } = sorted[to]!
      if (label === 1) here += weight
      else untrueHere += weight
    }
    area += here * (below + untrueHere / 2)
    below += untrueHere
    trues += here
    untrue += untrueHere
    from = to
  }
  return trues > 0 && untrue > 0 ? area / (trues * untrue) : Number.NaN
}

/** The probability that the given share of the true cases reaches. */
export function thresholdKeeping(share: number, verdicts: readonly Verdict[]): number {
  const trues = verdicts.filter(({ label }) => label === 1).sort((a, b) => b.probability - a.probability)
  const wanted = share * trues.reduce((sum, { weight }) => sum + weight, 0)
  let kept = 0
  for (const { probability, weight } of trues) {
    kept += weight
    if (kept >= wanted - 1e-9) return probability
  }
  return 0
}

/** The share of the false cases that reach the threshold. */
export function falseAlarms(threshold: number, verdicts: readonly Verdict[]): number {
  const untrue = verdicts.filter(({ label }) => label === 0)
  return (
    weightOf(untrue.filter(({ probability }) => probability >= threshold)) / Math.max(weightOf(untrue), 1e-9)
  )
}

/**
 * Expected calibration error (Guo et al. 2017): ten bins of equal width, the mean distance between what was said and
 * what was true.
 */
export function calibrationError(verdicts: readonly Verdict[]): number {
  const bins = Map.groupBy(verdicts, ({ probability }) => Math.min(9, Math.floor(probability * 10)))
  const total = weightOf(verdicts)
  let error = 0
  for (const bin of bins.values())
    error += Math.abs(
      bin.reduce((sum, { probability, label, weight }) => sum + weight * (probability - label), 0),
    )
  return total > 0 ? error / total : Number.NaN
}

const weightOf = (verdicts: readonly Verdict[]) => verdicts.reduce((sum, { weight }) => sum + weight, 0)
