import { useQuery } from '@tanstack/react-query'
import type { ModelVersion } from '../../api/models.ts'
import { configQuery } from '../../api/session.ts'
import { absolute } from '../../base.ts'
import { formatNumber } from '../../format.ts'
import { useScope } from '../../frame/project-context.ts'
import { Section } from '../../ui/Page.tsx'
import { Snippet } from '../../ui/Snippet.tsx'
import { TokenButton } from '../../ui/TokenButton.tsx'
import css from './Models.module.css'
import { OnnxPanel } from './OnnxPanel.tsx'

/** What a version takes and gives, how well it does, what it was trained with, and how to use it. */
export function VersionOverview({ version }: { version: ModelVersion }) {
  return (
    <>
      <OnnxPanel version={version} />
      <Section title="Signature">
        <Signature version={version} />
      </Section>
      <div className={css.signature}>
        <Section title="Metrics of its run">
          <Pairs
            pairs={Object.entries(version.metrics).map(([name, value]) => [name, formatNumber(value), String(value)])}
          />
        </Section>
        <Section title="Parameters of its run">
          <Pairs
            pairs={Object.entries(version.params)
              .sort(([a], [b]) => depth(a) - depth(b))
              .map(([name, value]) => [name, value, value])}
          />
        </Section>
      </div>
      <Section title="Use it in Python">
        <UseSnippet version={version} />
      </Section>
    </>
  )
}

/** `classifier__max_depth` is deeper than `max_depth`: what people set themselves comes first. */
function depth(name: string): number {
  return name.split('__').length
}

function Pairs({ pairs }: { pairs: [name: string, text: string, exact: string][] }) {
  if (pairs.length === 0) return <p className={css.none}>Its run logged none.</p>
  return (
    <div className={css.pairs}>
      <table className={css.plain}>
        <tbody>
          {pairs.map(([name, text, exact]) => (
            <tr key={name}>
              <th scope="row" title={name}>
                {name}
              </th>
              <td title={exact}>{text}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

function Signature({ version }: { version: ModelVersion }) {
  const { signature } = version
  if (signature === null) {
    return (
      <p className={css.none}>
        It was logged without one, so nobody can say what it takes, and no endpoint can serve it with a form. Log it
        again with <code>signature=infer_signature(X, y)</code> or with <code>input_example=X.head()</code>.
      </p>
    )
  }
  return (
    <div className={css.signature}>
      <Columns title={`Takes ${signature.inputs.length}`} columns={signature.inputs} />
      <Columns title="Gives" columns={signature.outputs} />
    </div>
  )
}

type SignatureColumn = NonNullable<ModelVersion['signature']>['inputs'][number]

function Columns({ title, columns }: { title: string; columns: SignatureColumn[] }) {
  return (
    <table className={css.plain}>
      <caption>{title}</caption>
      <thead>
        <tr>
          <th scope="col">Column</th>
          <th scope="col">Type</th>
          <th scope="col">Needed</th>
        </tr>
      </thead>
      <tbody>
        {columns.map((column, index) => (
          <tr key={column.name ?? `#${index}`}>
            <td>{column.name ?? <span className="muted">unnamed</span>}</td>
            <td className="mono">{typeOf(column)}</td>
            <td>{column.required ? 'yes' : <span className="muted">no</span>}</td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}

function typeOf(column: SignatureColumn): string {
  if (column.dtype === undefined && column.shape === undefined) return column.type
  return `${column.dtype ?? column.type} [${(column.shape ?? []).map((size) => (size === -1 ? 'any' : size)).join(' × ')}]`
}

function UseSnippet({ version }: { version: ModelVersion }) {
  const scope = useScope()
  const config = useQuery(configQuery)
  const alias = version.aliases[0]
  const uri = `models:/${version.name}${alias === undefined ? `/${version.version}` : `@${alias}`}`
  const tracking = absolute(`/mlflow/${scope.owner}/${scope.project}/tracking/`)
  const token = config.data?.accounts === true ? '# export MLFLOW_TRACKING_TOKEN=… in the shell first\n' : ''
  return (
    <Snippet
      title={`Load ${uri}`}
      action={<TokenButton />}
      code={`${token}import mlflow\n\nmlflow.set_tracking_uri("${tracking}")\nmodel = mlflow.pyfunc.load_model("${uri}")\nmodel.predict(rows)  # a pandas.DataFrame with the columns above`}
    />
  )
}
