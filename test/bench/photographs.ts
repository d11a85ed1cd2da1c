/** How many images of each folder look like photographs: `npx node test/bench/photographs.ts FOLDER...`. */
import { globSync, statSync } from 'node:fs'
import path from 'node:path'
import sharp from 'sharp'
import { looksLikePhotograph } from '../../prisma/census/photographs.ts'

for (const folder of process.argv.slice(2)) {
  let [found, count] = [0, 0]
  for (const file of globSync('**/*.{jpg,jpeg,png,webp,avif,tif,tiff}', { cwd: folder })) {
    const full = path.join(folder, file)
    const header = await sharp(full)
      .metadata()
      .catch(() => null)
    if (!header) continue
    const { format, width, height } = header
    count++
    found += +looksLikePhotograph({ mimeType: `image/${format}`, bytes: statSync(full).size, width, height })
  }
  console.log(`${folder}: ${found} of ${count}, ${((100 * found) / Math.max(1, count)).toFixed(1)} %`)
}
