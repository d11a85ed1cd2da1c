/** When an image was taken, from the ways in which files write it. */

/** A moment as a file writes it: digits of a clock, and how far that clock is from UTC where the file says so. */
export interface WrittenDate {
  /** The clock's digits as if it showed UTC, in ms since 1970. */
  clock: number
  /** Minutes ahead of UTC; null where the file does not say. */
  offset: number | null
}

/** Before photography, and what clocks show that were never set: such dates are no one's word. */
const firstYear = 1826
const unset = new Set(['1904-01-01', '1970-01-01', '1980-01-01', '2000-01-01'])
/** Clocks go wrong by a day, over the date line say. */
const futureMs = 86_400_000

const numbers =
  /^(\d{4})(?:[-:.](\d\d)(?:[-:.](\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?\s*(Z|[+-]\d\d:?\d\d)?)?)?)?$/i

/** EXIF's "2025:03:09 14:05:30", and ISO 8601 in full or cut short, as in XMP ("2025", "2025-03-09T14:05+01:00"). */
export function parseDate(text: string | null | undefined, offset?: string | null): WrittenDate | null {
  const parts = numbers.exec(text?.trim() ?? '')
  if (!parts) return null
  const [, year, month = '1', day = '1', hour = '0', minute = '0', second = '0', fraction = '', zone] = parts
  const ms = Number(`0.${fraction || '0'}`) * 1000
  const [y, m, d] = [Number(year), Number(month), Number(day)]
  const time = [Number(hour), Number(minute), Number(second)] as const
  const clock = Date.UTC(y, m - 1, d, ...time, Math.floor(ms))
  const read = new Date(clock)
  // Date takes 30 February for 2 March, and 99 for 1999.
  const exists =
    y > 99 &&
    read.getUTCMonth() === m - 1 &&
    read.getUTCDate() === d &&
    time[0] < 24 &&
    time[1] < 60 &&
    // A leap second is a second.
    time[2] <= 60
  return exists ? { clock, offset: parseOffset(zone ?? offset) } : null
}

/** IPTC's "20250309" and "140530+0100"; a day or month that is not known is 00. */
export function parseIptcDate(date: string | undefined, time: string | undefined): WrittenDate | null {
  const [, year, month, day] = /^(\d{4})(\d\d)(\d\d)$/.exec(date?.trim() ?? '') ?? []
  if (year === undefined) return null
  const [, hour, minute, second, zone] = /^(\d\d)(\d\d)(\d\d)([+-]\d{4})?$/.exec(time?.trim() ?? '') ?? []
  const dayText = [year, month, day].filter((part) => part !== '00').join('-')
  // Without a day, the hour says nothing.
  if (hour === undefined || dayText.length < 10) return parseDate(dayText)
  return parseDate(`${dayText}T${hour}:${minute}:${second}`, zone)
}

function parseOffset(text: string | null | undefined): number | null {
  const [, sign, hours, minutes] = /^([+-])(\d\d):?(\d\d)$/.exec(text?.trim() ?? '') ?? []
  if (sign === undefined) return /^z$/i.test(text?.trim() ?? '') ? 0 : null
  const offset = (Number(hours) * 60 + Number(minutes)) * (sign === '-' ? -1 : 1)
  return Math.abs(offset) <= 14 * 60 ? offset : null
}

/**
 * The first date that can be true; its offset from another source of the same clock where it has none. A clock of an
 * unknown offset is taken as if it showed UTC: so the day and the hour stay what people remember.
 */
export function pickDate(dates: readonly (WrittenDate | null | undefined)[], now = Date.now()): Date | null {
  const plausible = dates.filter((date) => date != null && isPlausible(date, now)) as WrittenDate[]
  const [first] = plausible
  if (!first) return null
  const sameClock = (other: WrittenDate) => Math.abs(other.clock - first.clock) < 1000
  const offset =
    first.offset ?? plausible.find((date) => date.offset !== null && sameClock(date))?.offset ?? 0
  return new Date(first.clock - offset * 60_000)
}

function isPlausible({ clock }: WrittenDate, now: number): boolean {
  const text = new Date(clock).toISOString()
  const atMidnight = text.endsWith('T00:00:00.000Z')
  return (
    clock <= now + futureMs &&
    Number(text.slice(0, 4)) >= firstYear &&
    !(atMidnight && unset.has(text.slice(0, 10)))
  )
}
