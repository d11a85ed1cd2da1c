/** Words that say little by themselves, of languages that images are often named in: they count little, and are never required. */
const words = `
  a an the this that these those of in on at to from for by with without into onto over under and or not no as is are be
  it its my your our their his her some any something someone thing things
  der die das den dem des ein eine einen einem einer eines und oder mit ohne fur von vom zu zum zur im am auf aus bei
  le la les l un une des du de d et ou avec sans pour dans sur au aux
  el los las una unos unas y o con sin por para en del al
  il lo gli uno e di da che per nel della
  os as um uma com sem do dos das no na
  een het van voor met en
  s t
`
const functionWords = new Set(words.split(/\s+/).filter(Boolean))

/** `word` is folded. */
export const isFunctionWord = (word: string): boolean => functionWords.has(word)
