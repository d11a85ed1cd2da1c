/** The little SVG that the drawn pages of docs share: readable on light and dark pages. */

export type Theme = 'blue' | 'green' | 'sand' | 'rose'

const fills: Record<Theme, string> = { blue: '#dbeafe', green: '#dcfce7', sand: '#fef3c7', rose: '#ffe4e6' }

export const escapeXml = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')

export interface Box {
  x: number
  y: number
  width: number
  height: number
  title: string
  text: string
  theme: Theme
}

export function box({ x, y, width, height, title, text, theme }: Box): string {
  const middle = x + width / 2
  return `<rect x="${x}" y="${y}" width="${width}" height="${height}" rx="8" fill="${fills[theme]}" stroke="#475569"/>
<text x="${middle}" y="${y + height / 2 - 5}" class="title">${escapeXml(title)}</text>
<text x="${middle}" y="${y + height / 2 + 13}" class="text">${escapeXml(text)}</text>`
}

export interface Picture {
  width: number
  height: number
  title: string
  description: string
  body: string
}

export function svg({ width, height, title, description, body }: Picture): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-labelledby="title description">
<title id="title">${escapeXml(title)}</title>
<desc id="description">${description}</desc>
<style>
text { font-family: system-ui, sans-serif; text-anchor: middle; fill: #0f172a }
.title { font-size: 14px; font-weight: 600 }
.text { font-size: 11px }
.note { font-size: 11px; fill: #475569 }
.arrow { fill: none; stroke: #64748b; stroke-width: 1.4; marker-end: url(#tip) }
</style>
<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0 L8 4 L0 8 z" fill="#64748b"/></marker></defs>
<rect width="100%" height="100%" rx="12" fill="#ffffff"/>
${body}
</svg>
`
}
