import { Button } from '@mantine/core'
import { IconDownload } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { useEffect, useMemo } from 'react'
import { apiUrl, fetchRaw } from '../api/client.ts'
import { formatBytes } from '../format.ts'
import { CopyButton } from './CopyButton.tsx'
import css from './FileBrowser.module.css'
import { Loaded } from './Loading.tsx'

const PICTURES: Record<string, string> = {
  png: 'image/png',
  jpg: 'image/jpeg',
  jpeg: 'image/jpeg',
  gif: 'image/gif',
  webp: 'image/webp',
  svg: 'image/svg+xml',
}
/** More of a text is not shown; it can be downloaded. */
const TEXT_BYTES = 256 * 1024
const PICTURE_BYTES = 32 * 1024 * 1024

type Content =
  | { kind: 'text'; text: string; whole: boolean }
  | { kind: 'picture'; blob: Blob }
  | { kind: 'binary'; size: number }

/** One file: its text or picture, and a way to download it. */
export function FilePreview({ path, contentPath }: { path: string; contentPath: string }) {
  const query = useQuery({
    queryKey: ['file', contentPath],
    queryFn: ({ signal }) => load(path, contentPath, signal),
    staleTime: 60_000,
  })
  return (
    <div className={css.preview}>
      <div className={css.head}>
        <code className="truncate">{path}</code>
        <CopyButton text={path} what="path" />
        <Button
          component="a"
          size="compact-sm"
          href={apiUrl(contentPath)}
          download
          leftSection={<IconDownload size={14} />}
        >
          Download
        </Button>
      </div>
      <Loaded query={query} skeleton={<div className={css.none}>Loading…</div>}>
        {(content) => <Shown content={content} path={path} />}
      </Loaded>
    </div>
  )
}

function Shown({ content, path }: { content: Content; path: string }) {
  if (content.kind === 'picture') return <Picture blob={content.blob} alt={path} />
  if (content.kind === 'binary')
    return <p className={css.none}>{formatBytes(content.size)} that are not text. Download it to look inside.</p>
  return (
    <>
      <pre className={css.text}>{content.text === '' ? ' ' : content.text}</pre>
      {!content.whole && <p className={css.none}>Only the first {formatBytes(TEXT_BYTES)} are shown.</p>}
    </>
  )
}

/** Shown through a blob: the server sends files as downloads that no page may run, and an <img> runs nothing. */
function Picture({ blob, alt }: { blob: Blob; alt: string }) {
  const url = useMemo(() => URL.createObjectURL(blob), [blob])
  useEffect(() => () => URL.revokeObjectURL(url), [url])
  return (
    <div className={css.picture}>
      <img src={url} alt={alt} />
    </div>
  )
}

async function load(path: string, contentPath: string, signal: AbortSignal): Promise<Content> {
  const response = await fetchRaw(contentPath, { signal })
  const size = Number(response.headers.get('content-length') ?? 0)
  const type = PICTURES[path.split('.').at(-1)?.toLowerCase() ?? '']
  if (type !== undefined && size <= PICTURE_BYTES)
    return { kind: 'picture', blob: new Blob([await response.arrayBuffer()], { type }) }
  const { bytes, whole } = await head(response, TEXT_BYTES)
  try {
    const text = new TextDecoder('utf-8', { fatal: whole }).decode(bytes)
    if (!text.slice(0, 4096).includes('\0'))
      return { kind: 'text', text: path.endsWith('.json') && whole ? pretty(text) : text, whole }
  } catch {
    // Not UTF-8: not a text.
  }
  return { kind: 'binary', size: size === 0 ? bytes.byteLength : size }
}

/** The first bytes of a body; the rest is not fetched. */
async function head(response: Response, limit: number): Promise<{ bytes: Uint8Array; whole: boolean }> {
  const reader = response.body?.getReader()
  const parts: Uint8Array[] = []
  let size = 0
  for (;;) {
    const next = await reader?.read()
    if (next === undefined || next.done) break
    parts.push(next.value)
    size += next.value.byteLength
    if (size > limit) {
      await reader?.cancel()
      break
    }
  }
  const bytes = new Uint8Array(await new Blob(parts as BlobPart[]).arrayBuffer()).slice(0, limit)
  return { bytes, whole: size <= limit }
}

function pretty(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2)
  } catch {
    return text
  }
}
