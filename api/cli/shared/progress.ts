/** Progress: one line that is drawn over on a terminal, else a line each tenth. */
export interface Progress {
  update(done: number, total: number): void
  /** Leaves the last state behind and ends the line. */
  end(): void
}

interface Output {
  isTTY?: boolean
  columns?: number
  write(text: string): unknown
}

/** `show` writes an amount; bytes by default. */
export function progressOn(
  output: Output,
  label: string,
  show: (amount: number) => string = bytes,
): Progress {
  const begun = performance.now()
  let first: number | undefined
  let drawn = 0
  let tenth = -1
  let last = ''

  const line = (done: number, total: number) => {
    const share = total > 0 ? Math.min(1, done / total) : 1
    const seconds = (performance.now() - begun) / 1000
    const speed = seconds > 0 ? (done - (first ?? done)) / seconds : 0
    const rest = speed > 0 && done < total ? `, ${duration((total - done) / speed)} left` : ''
    const filled = Math.round(share * 24)
    const bar = `${'█'.repeat(filled)}${'░'.repeat(24 - filled)}`
    const text = `${label} ${bar} ${Math.floor(share * 100)} %, ${show(done)} of ${show(total)}, ${show(speed)}/s${rest}`
    return text.slice(0, (output.columns ?? 200) - 1)
  }

  return {
    update(done, total) {
      // Items that were there before this run do not count for the speed.
      first ??= done
      last = line(done, total)
      if (!output.isTTY) {
        const now = Math.floor((done / Math.max(1, total)) * 10)
        if (now > tenth) output.write(`${last}\n`)
        tenth = Math.max(tenth, now)
      } else if (performance.now() - drawn > 80 || done >= total) {
        output.write(`\r\x1b[K${last}`)
        drawn = performance.now()
      }
    },
    end() {
      if (output.isTTY && last) output.write(`\r\x1b[K${last}\n`)
    },
  }
}

export function bytes(amount: number): string {
  const units = ['B', 'kB', 'MB', 'GB']
  const unit = Math.min(units.length - 1, amount < 1 ? 0 : Math.floor(Math.log10(amount) / 3))
  return `${(amount / 1000 ** unit).toFixed(unit === 0 ? 0 : 1)} ${units[unit]}`
}

function duration(seconds: number): string {
  if (seconds < 60) return `${Math.ceil(seconds)} s`
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`
  return `${Math.floor(seconds / 3600)} h ${Math.round((seconds % 3600) / 60)} min`
}
