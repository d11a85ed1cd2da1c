/** Letters as words are compared: without case, accents and other differences that people do not type. */

/** Letters that no decomposition leads to plain ones. */
const plain: Record<string, string> = {
  ...{ ß: 'ss', æ: 'ae', œ: 'oe', ø: 'o', ł: 'l', đ: 'd', ð: 'd', þ: 'th', ħ: 'h', ı: 'i', ŧ: 't', ŋ: 'n' },
  // Greek's sigma at the end of a word; Arabic letters that are typed in either form, and Persian ones.
  ...{ ς: 'σ', ى: 'ي', ة: 'ه', ک: 'ك', ی: 'ي' },
}
const plainLetters = new RegExp(`[${Object.keys(plain).join('')}]`, 'g')
/** How these are written where a keyboard lacks them; without their dots they are plain letters too. */
const transcribed: Record<string, string> = { ä: 'ae', ö: 'oe', ü: 'ue', å: 'aa', ø: 'oe' }
const transcribedLetters = /[äöüåø]/g

/** Accents of letters that have a case; of other scripts the marks are vowels, which make another word. */
const accents = /(?<=[\p{Script=Latin}\p{Script=Greek}\p{Script=Cyrillic}]\p{M}*)\p{M}/gu
/** Vowel points of Arabic and Hebrew and the line that stretches Arabic words: mostly left out. */
const points = /[\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0640\u064b-\u065f\u0670\u06d6-\u06ed]/g
/** Arabic and Persian digits. */
const digits = /[\u0660-\u0669\u06f0-\u06f9]/g

/** `text` is in NFKC. */
export function fold(text: string): string {
  if (/^[a-z0-9]*$/.test(text)) return text
  return text
    .toLowerCase()
    .normalize('NFD')
    .replace(accents, '')
    .replace(points, '')
    .normalize('NFC')
    .replace(plainLetters, (letter) => plain[letter]!)
    .replace(digits, (digit) => String(digit.charCodeAt(0) & 15))
}

/** The folded word as a keyboard without umlauts writes it: "gruen" for "Grün"; null where that is no other word. */
export function foldTranscribed(text: string): string | null {
  const lower = text.toLowerCase()
  const spelled = lower.replace(transcribedLetters, (letter) => transcribed[letter]!)
  return spelled === lower ? null : fold(spelled)
}
