/**
 * A browser started under a POSIX locale names a language that its own `Intl` refuses (`en-US@posix`), and libraries that
 * pass `navigator.language` on (uPlot, while it loads) would take the page down. Import this before them.
 */
function usable(language: string): boolean {
  try {
    return new Intl.NumberFormat(language) !== undefined
  } catch {
    return false
  }
}

if (!usable(navigator.language)) {
  const language = navigator.language.split(/[@.]/)[0] ?? ''
  Object.defineProperty(navigator, 'language', { value: usable(language) && language !== '' ? language : 'en-US' })
}
