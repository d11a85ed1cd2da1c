/**
 * Does `relevance` mean what it says? The bundled model's fit on two sets that neither the model nor the fit has seen: icons
 * (lucide) and emoji (openmoji). A library lacks a match when every image that shares a word with the prompt in name or
 * tags is taken out. Beside it: the raw cosine, autocut, a fit from the sample library alone, what a correction of hubs
 * would bring, and the time that judging takes. `npm run bench -- relevance`
 */
import os from 'node:os'
import path from 'node:path'
import { LocalEncoder } from '../../workers/encode/local-encoder.ts'
import type { Encode } from '../../workers/encode/verification/references.ts'
import { emoji, galleryOf, lucide, phosphor } from '../../workers/lab/evaluation/named-sets.ts'
import { bundledModel } from '../../workers/registry/bundled.ts'
import { ModelRegistry } from '../../workers/registry/registry.ts'
import { type Fit, keptShare, verdictsOf } from '../../workers/relevance/fit.ts'
import { bandOf, bands, type RelevanceJudge } from '../../workers/relevance/judge.ts'
import { sigmoid } from '../../workers/relevance/logistic.ts'
import { makeFit } from '../../workers/relevance/make.ts'
import {
  auroc,
  calibrationError,
  falseAlarms,
  thresholdKeeping,
  type Verdict,
} from '../../workers/relevance/quality.ts'
import { readSampleLibrary } from '../../workers/relevance/sample-library.ts'
import { headLogit } from '../../workers/relevance/signals.ts'
import { RelevanceFits } from '../../workers/relevance/store.ts'
import { type Gallery, type Trial, trialsOf } from '../../workers/relevance/trials.ts'
import { hubs } from './relevance/hubs.ts'
import { store } from './tools.ts'

export async function relevanceBench(log = (line: string) => console.log(line)): Promise<void> {
  const cacheFolder = path.join(store, 'relevance')
  const registry = new ModelRegistry({
    bundledFolder: path.resolve('workers/models'),
    homeFolder: path.join(cacheFolder, 'none'),
    cacheFolder,
    defaultModel: bundledModel,
  })
  const encoder = new LocalEncoder({ registry, cacheFolder, provider: 'cpu' })
  const encode: Encode = (inputs) => encoder.encode(inputs, { priority: 'bulk', deadlineMs: 600_000 })
  try {
    const spec = await registry.get()
    const judge = await new RelevanceFits(cacheFolder).of(spec)
    if (!judge) throw new Error('the bundled model has no fit of this version')
    const { backdrop } = await readSampleLibrary(encode)
    const sets = {
      lucide: await galleryOf(lucide(), encode),
      openmoji: await galleryOf(emoji('openmoji'), encode),
    }
    const fromSamples = await makeFit(spec, encode)
    log(`fitted on ${judge.fit.madeFrom}`)
    for (const [name, gallery] of Object.entries(sets)) {
      const trials = await trialsOf(gallery, backdrop)
      log(`\n${name}: ${gallery.prompts.length} prompts, with and without their match`)
      log(`the match is among the ten best of ${percent(reached(trials))} % of the prompts`)
      printSignals(trials, log)
      printFit('', judge.fit, trials, log)
      if ('heads' in fromSamples) printFit(' (samples alone)', fromSamples, trials, log)
      printBands(judge.fit, trials, log)
    }
    const bankSets = [
      ...(await phosphor()),
      ...emoji('fluent-emoji-flat'),
      ...(await readSampleLibrary(encode)).gallery.images,
    ]
    await hubs(
      sets,
      bankSets.flatMap(({ name, tags }) => [name, ...tags]),
      encode,
      log,
    )
    log(
      `\njudging a page of 20 hits: ${timed(judge, sets.lucide).toFixed(3)} ms (${os.cpus()[0]?.model.trim()})`,
    )
  } finally {
    await encoder.close()
  }
}

const columns = 'AUROC  false alarms at 95 %  ECE'
const percent = (share: number) => (100 * share).toFixed(1)

function row(name: string, verdicts: readonly Verdict[], calibrated: boolean): string {
  const alarms = falseAlarms(thresholdKeeping(keptShare, verdicts), verdicts)
  const ece = calibrated ? calibrationError(verdicts).toFixed(3) : '-'
  return `${name.padEnd(56)} ${auroc(verdicts).toFixed(3)}  ${alarms.toFixed(3).padEnd(20)}  ${ece}`
}

const ofKind = (trials: readonly Trial[], ...kinds: Trial['kind'][]) =>
  trials.filter(({ kind }) => kinds.includes(kind))

const reached = (trials: readonly Trial[]): number => {
  const searches = ofKind(trials, 'MEANING').filter(({ found }) => found === 1)
  return searches.filter(({ hits }) => hits.some(({ fits }) => fits === 1)).length / searches.length
}

/** What relevance could be read off without a fit. */
function printSignals(trials: readonly Trial[], log: (line: string) => void): void {
  const signals: Record<string, (trial: Trial) => number> = {
    'cosine of the best hit': ({ hits }) => hits[0]!.cosine,
    'the same in deviations from the backdrop': ({ hits, stance }) =>
      (hits[0]!.cosine - stance.mean) / stance.spread,
    'the same less the ten best of the backdrop': ({ hits, stance }) => hits[0]!.cosine - stance.best,
    'largest gap among the ten best (autocut)': ({ hits }) =>
      Math.max(...hits.slice(1).map(({ cosine }, n) => hits[n]!.cosine - cosine)),
  }
  log(`${'by meaning alone'.padEnd(56)} ${columns}`)
  for (const [name, signal] of Object.entries(signals))
    log(
      row(
        name,
        ofKind(trials, 'MEANING').map((trial) => ({
          probability: signal(trial),
          label: trial.found,
          weight: trial.weight,
        })),
        false,
      ),
    )
}

function printFit(from: string, { heads }: Fit, trials: readonly Trial[], log: (line: string) => void): void {
  log(row(`fit${from}, by meaning alone`, verdictsOf(heads.found, trials, ['MEANING']), true))
  log(
    row(
      `fit${from}, with words, a fifth of the matches unnamed`,
      verdictsOf(heads.found, trials, ['NAMED', 'UNNAMED']),
      true,
    ),
  )
  // The task as it is built: a library that lacks a match has no word of the prompt at all.
  const plain = ofKind(trials, 'NAMED')
    .filter(({ found, hits }) => found === 1 || hits.every(({ words }) => words === 0))
    // A match that is called so and one that is tagged so, each half of the time.
    .map((trial) => ({ ...trial, weight: trial.found === 1 ? 1 / 2 : 1 }))
  log(row(`fit${from}, with words, every match named`, verdictsOf(heads.found, plain, ['NAMED']), true))
}

function printBands(fit: Fit, trials: readonly Trial[], log: (line: string) => void): void {
  const rows = ofKind(trials, 'MEANING').flatMap(({ hits, stance, weight }) =>
    hits.map((hit) => ({
      probability: sigmoid(headLogit(fit.heads.hit, hit, stance)),
      label: hit.fits,
      weight,
    })),
  )
  const share = (some: readonly Verdict[]) => some.filter(({ label }) => label === 1).length / some.length
  const found = bands.map((band) => {
    const inside = rows.filter(({ probability }) => bandOf(probability) === band)
    return `${band} ${percent(share(inside))} % of ${inside.length}`
  })
  log(`hits that fit, by meaning alone: ${found.join(', ')}; ECE ${calibrationError(rows).toFixed(3)}`)
}

function timed(judge: RelevanceJudge, { prompts }: Gallery): number {
  const hits = Array.from({ length: 20 }, (_, n) => ({
    ...{ cosine: 0.5 - n / 100, words: n % 3 ? 0 : 0.5, exactName: false },
  }))
  const asked = prompts.slice(0, 500)
  const run = () => {
    const begun = performance.now()
    for (const { text, vector } of asked) judge.judge([{ vector, text, weight: 1, modality: 'TEXT' }], hits)
    return (performance.now() - begun) / asked.length
  }
  run()
  return Math.min(...Array.from({ length: 5 }, run))
}

if (import.meta.main) await relevanceBench()
