import { parseIptcDate } from './dates.ts'
import type { Fields } from './fields.ts'
import { decodeText } from './text-bytes.ts'

/** Data sets of record 1, from 1000 on, and of record 2. */
const characterSet = 1090
const title = 5
const keyword = 25
const dateCreated = 55
const timeCreated = 60
const headline = 105
const caption = 120

const photoshop = Buffer.from('Photoshop 3.0\0', 'latin1')
const iptcResource = 0x0404
const utf8Escape = Buffer.from('\x1b%G', 'latin1')
const maxSets = 10_000

/** Title, description, keywords and date of IPTC-IIM: bare data sets, or those among Photoshop's resources. */
export function readIptc(block: Uint8Array): Fields {
  const file = Buffer.from(block.buffer, block.byteOffset, block.byteLength)
  const sets = dataSets(resource(file) ?? file)
  const declared = sets.some(({ number, value }) => number === characterSet && value.equals(utf8Escape))
  const textOf = ({ value }: DataSet) => decodeText(value, declared)
  const first = (number: number) => {
    const found = sets.find((set) => set.number === number)
    return found && textOf(found)
  }
  return {
    title: first(title),
    headline: first(headline),
    description: first(caption),
    keywords: sets.filter(({ number }) => number === keyword).map(textOf),
    taken: [parseIptcDate(first(dateCreated), first(timeCreated))],
  }
}

/** The IPTC among Photoshop's resources; null for a block that has none. */
function resource(file: Buffer): Buffer | null {
  let at = file.subarray(0, photoshop.length).equals(photoshop) ? photoshop.length : 0
  while (at + 12 <= file.length && file.toString('latin1', at, at + 4) === '8BIM') {
    const id = file.readUInt16BE(at + 4)
    // A name with its length in front, filled to an even number.
    const start = at + 6 + ((file[at + 6]! + 2) & ~1)
    if (start + 4 > file.length) return null
    const size = file.readUInt32BE(start)
    if (id === iptcResource) return file.subarray(start + 4, start + 4 + size)
    at = start + 4 + size + (size & 1)
  }
  return null
}

interface DataSet {
  number: number
  value: Buffer
}

function dataSets(data: Buffer): DataSet[] {
  const sets: DataSet[] = []
  for (let at = 0; at + 5 <= data.length && data[at] === 0x1c && sets.length < maxSets; ) {
    const record = data[at + 1]
    const number = data[at + 2]!
    let size = data.readUInt16BE(at + 3)
    at += 5
    if (size & 0x8000) {
      // The length of a length.
      const bytes = size & 0x7fff
      if (bytes < 1 || bytes > 4 || at + bytes > data.length) break
      size = data.readUIntBE(at, bytes)
      at += bytes
    }
    if (record === 1 || record === 2)
      sets.push({ number: record === 1 ? 1000 + number : number, value: data.subarray(at, at + size) })
    at += size
  }
  return sets
}
