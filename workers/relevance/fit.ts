/** Fits a model's relevance from searches whose right answers are known, and says when the fit is not to be trusted. */
import type { Backdrop } from './backdrop.ts'
import { fitLogistic, type Logistic, sigmoid } from './logistic.ts'
import { auroc, calibrationError, falseAlarms, thresholdKeeping, type Verdict } from './quality.ts'
import { type Head, headLogit, meaningFeatures, meaningLogit, wordFeatures } from './signals.ts'
import type { Trial } from './trials.ts'

/** Raise it when the same model would get other weights. */
export const fitVersion = 1

/** Of the searches that have a match: the share that noMatch must leave alone. */
export const keptShare = 0.95

/** How well the fit did on prompts that it was not made from (three folds). */
export interface Measured {
  /** Of "does the library hold a match?", by meaning alone. */
  auroc: number
  /** False alarms where {@link keptShare} of the matches are kept. */
  falseAlarms: number
  calibrationError: number
}

export interface Fit {
  version: number
  /** Of the model. */
  revision: string
  dimensions: number
  /** What it was made from, in words. */
  madeFrom: string
  /** See {@link Backdrop.pack}. */
  backdrop: string
  /** Whether a hit fits, whether the library holds a match, whether an image shows the prompt at all. */
  heads: { hit: Head; found: Head; present: Logistic }
  /** Below it the library counts as holding no match: where words were not looked at, and where they were. */
  noMatchBelow: { meaning: number; words: number }
  measured: Measured
}

/** Instead of a fit: the model gets none, and why. */
export interface Refusal {
  version: number
  revision: string
  refused: string
}

/** An image and a text, and whether the image shows what the text says. */
export interface Pair {
  prompt: number
  cosine: number
  stance: Trial['stance']
  label: 0 | 1
  weight: number
}

export interface FitInput {
  revision: string
  dimensions: number
  madeFrom: string
  backdrop: Backdrop
  trials: readonly Trial[]
  pairs: readonly Pair[]
}

/** What a fit must reach on prompts that it was not made from. */
const required = { auroc: 0.75, calibrationError: 0.06, presentAuroc: 0.8 }

export async function fitRelevance(input: FitInput): Promise<Fit | Refusal> {
  const { revision, dimensions, madeFrom, trials, pairs } = input
  const { measured, presentAuroc } = await crossValidated(trials, pairs)
  const numbers = (value: number) => value.toFixed(3)
  const refuse = (reason: string): Refusal => ({ version: fitVersion, revision, refused: reason })
  if (!(measured.auroc >= required.auroc))
    return refuse(
      `its cosines hardly tell searches that have a match from searches that have none: AUROC ${numbers(measured.auroc)} on the sample library, ${required.auroc} is needed`,
    )
  if (!(measured.calibrationError <= required.calibrationError))
    return refuse(
      `probabilities read off its cosines do not come true: calibration error ${numbers(measured.calibrationError)} on the sample library, at most ${required.calibrationError} is allowed`,
    )
  if (!(presentAuroc >= required.presentAuroc))
    return refuse(
      `its cosines hardly tell what is in an image from what is not: AUROC ${numbers(presentAuroc)} on the sample library, ${required.presentAuroc} is needed`,
    )
  const heads = await fitHeads(trials, pairs)
  const threshold = (kinds: readonly Trial['kind'][]) =>
    thresholdKeeping(keptShare, verdictsOf(heads.found, trials, kinds))
  return {
    ...{ version: fitVersion, revision, dimensions, madeFrom, backdrop: input.backdrop.pack(), heads },
    noMatchBelow: { meaning: threshold(['MEANING']), words: threshold(['NAMED', 'UNNAMED']) },
    measured,
  }
}

async function fitHeads(trials: readonly Trial[], pairs: readonly Pair[]): Promise<Fit['heads']> {
  const present = await fitLogistic(
    pairs.map(({ cosine, stance, label, weight }) => ({
      ...{ label, weight },
      features: meaningFeatures(cosine, stance),
    })),
  )
  return {
    hit: await fitHead(trials, ({ hits }) => hits.map((hit) => ({ hit, label: hit.fits }))),
    found: await fitHead(trials, ({ hits, found }) => [{ hit: hits[0]!, label: found }]),
    present,
  }
}

type Judged = (trial: Trial) => { hit: Trial['hits'][number]; label: 0 | 1 }[]

/** First by meaning alone; then what words add to that. */
async function fitHead(trials: readonly Trial[], judged: Judged): Promise<Head> {
  const byMeaning = trials.filter(({ kind }) => kind === 'MEANING')
  const meaning = await fitLogistic(
    byMeaning.flatMap((trial) =>
      judged(trial).map(({ hit, label }) => ({
        features: meaningFeatures(hit.cosine, trial.stance),
        label,
        weight: trial.weight,
      })),
    ),
  )
  const words = await fitLogistic(
    trials
      .filter(({ kind }) => kind !== 'MEANING')
      .flatMap((trial) =>
        judged(trial).map(({ hit, label }) => ({
          features: wordFeatures(hit),
          label,
          weight: trial.weight,
          offset: meaningLogit(meaning, hit.cosine, trial.stance),
        })),
      ),
  )
  return { meaning, words }
}

/** What the head says of each search of these kinds by its best hit, and what is true. */
export function verdictsOf(
  found: Head,
  trials: readonly Trial[],
  kinds: readonly Trial['kind'][],
): Verdict[] {
  return trials
    .filter(({ kind }) => kinds.includes(kind))
    .map(({ hits, stance, found: label, weight }) => ({
      probability: Math.max(...hits.map((hit) => sigmoid(headLogit(found, hit, stance)))),
      ...{ label, weight },
    }))
}

const folds = 3

async function crossValidated(
  trials: readonly Trial[],
  pairs: readonly Pair[],
): Promise<{ measured: Measured; presentAuroc: number }> {
  const verdicts: Verdict[] = []
  const present: Verdict[] = []
  for (let fold = 0; fold < folds; fold++) {
    const held = ({ prompt }: { prompt: number }) => prompt % folds === fold
    const others = <T extends { prompt: number }>(all: readonly T[]) => all.filter((one) => !held(one))
    const heads = await fitHeads(others(trials), others(pairs))
    verdicts.push(...verdictsOf(heads.found, trials.filter(held), ['MEANING']))
    present.push(
      ...pairs.filter(held).map(({ cosine, stance, label, weight }) => ({
        probability: sigmoid(meaningLogit(heads.present, cosine, stance)),
        ...{ label, weight },
      })),
    )
  }
  return {
    measured: {
      auroc: auroc(verdicts),
      falseAlarms: falseAlarms(thresholdKeeping(keptShare, verdicts), verdicts),
      calibrationError: calibrationError(verdicts),
    },
    presentAuroc: auroc(present),
  }
}
