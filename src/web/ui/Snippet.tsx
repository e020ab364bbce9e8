import { type ReactNode, useState } from 'react'
import { CopyButton } from './CopyButton.tsx'
import css from './Snippet.module.css'

/** Code to copy, with a title and, at the right, a further action (such as the token button). */
export function Snippet({ title, code, action }: { title: string; code: string; action?: ReactNode }) {
  return (
    <div className={css.snippet}>
      <div className={css.head}>
        <span>{title}</span>
        <span className={css.spring} />
        {action}
        <CopyButton text={code} what={title} />
      </div>
      <pre className={css.code}>{code}</pre>
    </div>
  )
}

/** The same thing said in several languages. */
export function Snippets({ variants, action }: { variants: { title: string; code: string }[]; action?: ReactNode }) {
  const [chosen, setChosen] = useState(0)
  const shown = variants[chosen] ?? variants[0]
  if (shown === undefined) return null
  return (
    <div className={css.snippet}>
      <div className={css.head}>
        <div className={css.tabs} role="tablist">
          {variants.map((variant, index) => (
            <button
              key={variant.title}
              type="button"
              role="tab"
              aria-selected={variant === shown}
              className={css.tab}
              onClick={() => setChosen(index)}
            >
              {variant.title}
            </button>
          ))}
        </div>
        <span className={css.spring} />
        {action}
        <CopyButton text={shown.code} what={shown.title} />
      </div>
      <pre className={css.code}>{shown.code}</pre>
    </div>
  )
}
