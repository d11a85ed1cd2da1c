/** Which derived towers serve together: rankings need both to agree with fp32. */
import type { DerivedTower } from '../registry/derived.ts'
import { type Tower, towers } from '../registry/spec.ts'
import { gate } from './gate.ts'

/**
 * The towers with a reason for each that passes alone but not together with the other. Both serve where rankings agree,
 * else the faster one that agrees. `overlapOf` gives the overlap with fp32 when these towers are derived.
 */
export function chooseTowers(
  derived: Record<Tower, DerivedTower>,
  overlapOf: (derived: readonly Tower[]) => number,
): Record<Tower, DerivedTower> {
  const passing = towers.filter((tower) => !derived[tower].reason)
  const bySpeed = passing.toSorted((a, b) => derived[b].speedup - derived[a].speedup)
  const choices = passing.length === 2 ? [passing, ...bySpeed.map((tower) => [tower])] : [passing]
  const chosen = choices.find((choice) => overlapOf(choice) >= gate.overlap) ?? []
  const result = { ...derived }
  for (const tower of passing) {
    if (chosen.includes(tower)) continue
    const alone = overlapOf([tower])
    const [share, which] = alone < gate.overlap ? [alone, 'it'] : [overlapOf(passing), 'both towers together']
    const reason = `the ten best images agree with fp32 in ${(100 * share).toFixed(1)} % with ${which}, below ${100 * gate.overlap} %`
    result[tower] = { ...derived[tower], reason }
  }
  return result
}
