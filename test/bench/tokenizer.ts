/** A byte-pair tokenizer of CLIP's kind and size over made-up words: its speed matters here, not its words. */
const syllables =
  'ka lo mi ter ran sol ven dar pic ture gra phe col our bri ght sha dow lin en mar ket wa ter sto ne'.split(
    ' ',
  )

/** The nth word: two or three syllables. */
export function benchWord(n: number): string {
  const at = (i: number) => syllables[i % syllables.length]!
  const base = syllables.length
  return at(n) + at(Math.floor(n / base)) + (n >= base * base ? at(Math.floor(n / base ** 2)) : '')
}

/** Short texts of 7 to 18 tokens, as most prompts are ("a photo of a cat" has 7 with CLIP's own tokenizer). */
export const benchTexts = (count: number): string[] =>
  Array.from({ length: count }, (_, n) =>
    // No two are alike: the words' own order repeats after 2,028 texts.
    Array.from({ length: 3 + (n % 3) }, (_, w) =>
      benchWord((n * 7919 + w * (104729 + Math.floor(n / 2028))) % 676),
    ).join(' '),
  )

export function benchTokenizer() {
  const letters = [...'abcdefghijklmnopqrstuvwxyz0123456789.,!?']
  const vocab: Record<string, number> = {}
  let size = 0
  const learn = (token: string) => {
    if (token in vocab || size === 49_406) return false
    vocab[token] = size++
    return true
  }
  for (const letter of letters) for (const token of [letter, `${letter}</w>`]) learn(token)
  const merges: string[] = []
  for (let n = 0; n < syllables.length ** 3; n++) {
    const word = benchWord(n)
    let left = word[0]!
    for (let i = 1; i < word.length; i++) {
      const right = i === word.length - 1 ? `${word[i]}</w>` : word[i]!
      if (learn(left + right)) merges.push(`${left} ${right}`)
      left += right
    }
  }
  while (learn(`<unused${size}>`));
  const start = '<|startoftext|>'
  const end = '<|endoftext|>'
  vocab[start] = 49_406
  vocab[end] = 49_407
  const special = (id: number, content: string) => ({
    id,
    content,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: true,
  })
  const tokenizer = {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: [special(49_406, start), special(49_407, end)],
    normalizer: { type: 'Lowercase' },
    pre_tokenizer: {
      type: 'Sequence',
      pretokenizers: [
        {
          type: 'Split',
          pattern: { Regex: '[\\p{L}]+|[\\p{N}]|[^\\s\\p{L}\\p{N}]+' },
          behavior: 'Removed',
          invert: true,
        },
        { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true },
      ],
    },
    post_processor: {
      type: 'RobertaProcessing',
      sep: [end, 49_407],
      cls: [start, 49_406],
      trim_offsets: false,
      add_prefix_space: false,
    },
    decoder: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true, use_regex: true },
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: end,
      continuing_subword_prefix: '',
      end_of_word_suffix: '</w>',
      fuse_unk: false,
      vocab,
      merges,
    },
  }
  const config = {
    tokenizer_class: 'CLIPTokenizer',
    model_max_length: 77,
    bos_token: start,
    eos_token: end,
    pad_token: end,
    unk_token: end,
  }
  return { tokenizer, config }
}
