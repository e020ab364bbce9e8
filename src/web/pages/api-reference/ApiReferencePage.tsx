import { useQuery } from '@tanstack/react-query'
import { useEffect } from 'react'
import { apiUrl } from '../../api/client.ts'
import { absolute } from '../../base.ts'
import { Loaded } from '../../ui/Loading.tsx'
import { Page } from '../../ui/Page.tsx'
import { SearchBox } from '../../ui/SearchBox.tsx'
import { Snippet } from '../../ui/Snippet.tsx'
import { useUrlParam } from '../../ui/url-state.ts'
import css from './ApiReference.module.css'
import type { Field, Operation, Reference } from './document.ts'
import { referenceQuery } from './openapi.ts'

/** The API as this server describes it: everything the UI and the command line do, they do through this. */
export function ApiReferencePage() {
  const reference = useQuery(referenceQuery)
  const [search, setSearch] = useUrlParam('q')
  return (
    <Page
      title="API reference"
      lead="Everything this UI and the command line do, they do through this. Clients send a token: Authorization: Bearer …"
      actions={<a href={apiUrl('/openapi.json')}>openapi.json</a>}
    >
      <div style={{ display: 'flex' }}>
        <SearchBox value={search} onChange={setSearch} placeholder="Search operations" width={320} />
      </div>
      <Loaded query={reference}>{(data) => <Operations reference={data} search={search} />}</Loaded>
    </Page>
  )
}

function Operations({ reference, search }: { reference: Reference; search: string }) {
  const words = search.toLowerCase().split(/\s+/)
  const shown = reference.operations.filter((one) => {
    const text = `${one.method} ${one.path} ${one.summary} ${one.tag}`.toLowerCase()
    return words.every((word) => text.includes(word))
  })
  const tags = [...new Set(shown.map((one) => one.tag))]
  useEffect(() => {
    const id = window.location.hash.slice(1)
    if (id !== '') document.getElementById(id)?.scrollIntoView()
  }, [])
  return (
    <div className={css.layout}>
      <nav className={css.index} aria-label="Operations">
        {tags.map((tag) => (
          <section key={tag}>
            <h2>{tag}</h2>
            {shown
              .filter((one) => one.tag === tag)
              .map((one) => (
                <div key={one.id} className="truncate">
                  <a
                    href={`${absolute('/api-reference')}#${one.id}`}
                    onClick={(event) => jump(event, one.id)}
                    title={one.summary}
                  >
                    {one.summary}
                  </a>
                </div>
              ))}
          </section>
        ))}
      </nav>
      <div>
        {tags.flatMap((tag) =>
          shown.filter((one) => one.tag === tag).map((one) => <OperationView key={one.id} operation={one} />),
        )}
        {shown.length === 0 && <p className="muted">No operation matches.</p>}
      </div>
    </div>
  )
}

function jump(event: { preventDefault(): void }, id: string): void {
  event.preventDefault()
  window.history.replaceState(window.history.state, '', `${window.location.pathname}${window.location.search}#${id}`)
  document.getElementById(id)?.scrollIntoView()
}

function OperationView({ operation }: { operation: Operation }) {
  return (
    <article id={operation.id} className={css.operation} aria-label={operation.summary}>
      <h2>{operation.summary}</h2>
      <div className={css.route}>
        <span className={css.method} data-method={operation.method}>
          {operation.method}
        </span>
        <code>{operation.path}</code>
      </div>
      {operation.description !== '' && <p className="muted">{operation.description}</p>}
      <Fields title="Parameters" fields={operation.parameters} />
      <Fields title="Body" fields={operation.body} />
      {operation.answers.map((answer) => (
        <Fields key={answer.status} title={`Answer ${answer.status}`} fields={answer.fields} />
      ))}
      <details className={css.details}>
        <summary>curl</summary>
        <Snippet title="curl" code={curlOf(operation)} />
      </details>
    </article>
  )
}

function Fields({ title, fields }: { title: string; fields: Field[] }) {
  if (fields.length === 0) return null
  return (
    <div style={{ overflowX: 'auto' }}>
      <div className={css.label}>{title}</div>
      <table className={css.fields}>
        <tbody>
          {fields.map((field, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: names repeat at other depths, and the list never changes
            <tr key={`${index}-${field.name}`}>
              <th scope="row" style={{ paddingLeft: field.depth * 16 }}>
                <code>{field.name}</code>
                {!field.required && <span className="muted small"> optional</span>}
              </th>
              <td>
                <code className="muted">{field.type}</code>
              </td>
              <td>{field.description}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

function curlOf({ method, path, body }: Operation): string {
  const url = absolute(path)
  const example = Object.fromEntries(
    body.filter((field) => field.depth === 0 && field.required).map((field) => [field.name, '…']),
  )
  const lines = [
    `curl${method === 'GET' ? '' : ` -X ${method}`} '${decodeURI(url)}' \\`,
    `  -H 'Authorization: Bearer …'`,
  ]
  if (body.length > 0) lines.push(`  -H 'content-type: application/json' \\`, `  -d '${JSON.stringify(example)}'`)
  return lines.map((line, index) => (index === 1 && body.length > 0 ? `${line} \\` : line)).join('\n')
}
