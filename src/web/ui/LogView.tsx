import { Switch } from '@mantine/core'
import { useVirtualizer } from '@tanstack/react-virtual'
import { type ReactNode, useEffect, useMemo, useRef, useState } from 'react'
import { CopyButton } from './CopyButton.tsx'
import css from './LogView.module.css'
import { cleanLines, toneOf } from './log-lines.ts'
import { SearchBox } from './SearchBox.tsx'

/** Characters of a line that can be scrolled to; the copy has them all. */
const WIDEST = 4_000
const LINE_PX = 20

type Props = {
  text: string
  /** It still grows: following makes sense. */
  live: boolean
  /** In place of lines while there are none. */
  waiting?: string
  actions?: ReactNode
}

/** A log of any length: only the lines in sight are drawn; search narrows it to the lines that match; follow keeps the end in view. */
export function LogView({ text, live, waiting = 'No output.', actions }: Props) {
  const [search, setSearch] = useState('')
  const [follow, setFollow] = useState(live)
  const lines = useMemo(() => cleanLines(text), [text])
  const shown = useMemo(
    () =>
      lines
        .map((line, index) => ({ line, number: index + 1 }))
        .filter(({ line }) => search === '' || line.toLowerCase().includes(search.toLowerCase())),
    [lines, search],
  )
  const widest = useMemo(() => lines.reduce((most, line) => Math.max(most, Math.min(line.length, WIDEST)), 0), [lines])
  return (
    <div className={css.log}>
      <div className={css.head}>
        <SearchBox value={search} onChange={setSearch} placeholder="Search the log" width={220} />
        {search !== '' && <span className="muted small num">{shown.length} lines</span>}
        <span className={css.spring} />
        {actions}
        {live && (
          <Switch
            size="xs"
            label="Follow"
            checked={follow}
            onChange={(event) => setFollow(event.currentTarget.checked)}
          />
        )}
        <CopyButton text={text} what="the log" />
      </div>
      <Lines
        lines={shown}
        widest={widest}
        search={search}
        follow={follow}
        onScrollUp={() => setFollow(false)}
        none={search !== '' && lines.length > 0 ? 'No line matches.' : waiting}
      />
    </div>
  )
}

type LinesProps = {
  lines: { line: string; number: number }[]
  widest: number
  search: string
  follow: boolean
  onScrollUp: () => void
  none: string
}

function Lines({ lines, widest, search, follow, onScrollUp, none }: LinesProps) {
  const box = useRef<HTMLDivElement>(null)
  const virtualizer = useVirtualizer({
    count: lines.length,
    getScrollElement: () => box.current,
    estimateSize: () => LINE_PX,
    overscan: 20,
  })
  useEffect(() => {
    if (follow && lines.length > 0) virtualizer.scrollToIndex(lines.length - 1, { align: 'end' })
  }, [follow, lines.length, virtualizer])
  return (
    <div
      ref={box}
      className={css.lines}
      role="log"
      aria-live="off"
      // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard
      tabIndex={0}
      onWheel={(event) => event.deltaY < 0 && onScrollUp()}
    >
      {lines.length === 0 && <div className={css.none}>{none}</div>}
      <div className={css.canvas} style={{ height: virtualizer.getTotalSize(), width: `${widest + 8}ch` }}>
        {virtualizer.getVirtualItems().map((item) => {
          const { line, number } = lines[item.index]!
          return (
            <div
              key={item.key}
              className={css.line}
              data-tone={toneOf(line)}
              style={{ transform: `translateY(${item.start}px)` }}
            >
              <span className={css.number}>{number}</span>
              <span>
                <Marked text={line} search={search} />
              </span>
            </div>
          )
        })}
      </div>
    </div>
  )
}

function Marked({ text, search }: { text: string; search: string }) {
  const start = search === '' ? -1 : text.toLowerCase().indexOf(search.toLowerCase())
  if (start < 0) return text
  return (
    <>
      {text.slice(0, start)}
      <mark>{text.slice(start, start + search.length)}</mark>
      {text.slice(start + search.length)}
    </>
  )
}
