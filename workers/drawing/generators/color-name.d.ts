declare module 'color-name' {
  /** Red, green and blue, 0 to 255, of each colour name of CSS. */
  const colors: Readonly<Record<string, readonly [number, number, number]>>
  export default colors
}
