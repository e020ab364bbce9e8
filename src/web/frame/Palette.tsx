import { Modal } from '@mantine/core'
import { type KeyboardEvent, useEffect, useMemo, useRef, useState } from 'react'
import { useGo } from '../ui/AppLink.tsx'
import css from './Palette.module.css'
import { type Command, useCommands } from './palette-commands.ts'

/** Goes anywhere by typing: pages, projects, what was seen lately and what the project holds. */
export function Palette({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      withCloseButton={false}
      padding={0}
      styles={{ body: { padding: 0 } }}
      size={560}
      aria-label="Search and commands"
    >
      {opened && <PaletteBody onClose={onClose} />}
    </Modal>
  )
}

function PaletteBody({ onClose }: { onClose: () => void }) {
  const go = useGo()
  const [text, setText] = useState('')
  const [at, setAt] = useState(0)
  const all = useCommands()
  const found = useMemo(() => rank(all, text), [all, text])
  const list = useRef<HTMLDivElement>(null)
  useEffect(() => {
    list.current?.querySelector('[aria-selected="true"]')?.scrollIntoView({ block: 'nearest' })
  })
  const choose = (command: Command | undefined) => {
    if (command === undefined) return
    onClose()
    go(command.to)
  }
  const press = (event: KeyboardEvent) => {
    const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0
    if (step !== 0) {
      event.preventDefault()
      setAt((now) => (now + step + found.length) % Math.max(1, found.length))
    } else if (event.key === 'Enter') choose(found[at])
  }
  return (
    <div className={css.body}>
      <input
        className={css.input}
        data-autofocus
        role="combobox"
        aria-expanded
        aria-controls="palette-list"
        aria-activedescendant={found[at] === undefined ? undefined : `palette-${at}`}
        aria-label="Search pages, projects and recent things"
        placeholder="Go to a page, project, run, model…"
        value={text}
        onChange={(event) => {
          setText(event.currentTarget.value)
          setAt(0)
        }}
        onKeyDown={press}
      />
      <div ref={list} id="palette-list" role="listbox" className={css.list} aria-label="Results">
        {found.map((command, index) => (
          <div key={command.to + command.label}>
            {found[index - 1]?.group !== command.group && <div className={css.group}>{command.group}</div>}
            {/* biome-ignore lint/a11y/useKeyWithClickEvents: the input above holds the focus and takes the keys */}
            <div
              id={`palette-${index}`}
              role="option"
              tabIndex={-1}
              aria-selected={index === at}
              className={css.item}
              onMouseMove={() => setAt(index)}
              onClick={() => choose(command)}
            >
              <command.icon size={15} stroke={1.75} aria-hidden />
              <span className="truncate">{command.label}</span>
              {command.hint !== undefined && <span className={css.hint}>{command.hint}</span>}
            </div>
          </div>
        ))}
        {found.length === 0 && <div className={css.none}>Nothing is called “{text}”.</div>}
      </div>
    </div>
  )
}

/** Commands whose words begin with each word typed come first, then those that hold them anywhere. Groups stay together. */
function rank(commands: Command[], text: string): Command[] {
  const words = text
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '')
  const score = (command: Command) => {
    const name = `${command.label} ${command.group}`.toLowerCase()
    return words.every((word) => name.split(/[\s/._-]+/).some((part) => part.startsWith(word)))
      ? 2
      : words.every((word) => name.includes(word))
        ? 1
        : 0
  }
  const scored = commands.map((command) => ({ command, score: score(command) })).filter((entry) => entry.score > 0)
  const best = new Map<string, number>()
  for (const { command, score: value } of scored) best.set(command.group, Math.max(best.get(command.group) ?? 0, value))
  const order = [...new Set(scored.map((entry) => entry.command.group))].sort((a, b) => best.get(b)! - best.get(a)!)
  return scored
    .sort((a, b) => order.indexOf(a.command.group) - order.indexOf(b.command.group) || b.score - a.score)
    .map((entry) => entry.command)
    .slice(0, 60)
}
