/** Where this server is: the path of <base href>, without a trailing slash ('' at the root). The server writes the tag. */
export const BASE_PATH: string = new URL(document.baseURI).pathname.replace(/\/$/, '')

/** A path of ours (`/local/default/runs`) as the browser's address. */
export function href(path: string): string {
  return `${BASE_PATH}${path}`
}

/** The absolute form, for what users copy. */
export function absolute(path: string): string {
  return new URL(href(path), document.baseURI).toString()
}
