import type { Body } from '../../api/schema-types.ts'
import type { DatasetVersion } from '../../api/types.ts'
import { useScope } from '../../frame/project-context.ts'
import { paths } from '../../paths.ts'
import { Chip } from '../../ui/Chip.tsx'
import { EmptyState } from '../../ui/EmptyState.tsx'
import { Snippet } from '../../ui/Snippet.tsx'
import css from './RecipeTab.module.css'

/** The API gives a recipe back as it took it. */
type Recipe = Body<'/api/v1/projects/{owner}/{project}/datasets/{name}/versions/from-recipe'>['recipe']

/** How a version was made from its parent: each step is one SELECT over the result of the step before. */
export function RecipeTab({ version }: { version: DatasetVersion }) {
  const scope = useScope()
  const recipe = version.recipe as Recipe | null
  if (recipe === null)
    return <EmptyState title="No recipe">This version was uploaded, not made from another one.</EmptyState>
  const { parent } = version
  return (
    <ol className={css.steps}>
      <li className={css.step}>
        <div>
          Start with{' '}
          {parent === null ? (
            <code>{recipe.source}</code>
          ) : (
            <Chip kind="dataset" to={paths.datasetVersion(scope, parent.dataset, parent.version)}>
              {parent.dataset}@{parent.version}
            </Chip>
          )}
        </div>
      </li>
      {recipe.steps.map((step) => (
        <li key={step.name} className={css.step}>
          <h3>{step.name}</h3>
          {step.description !== undefined && step.description !== '' && <p>{step.description}</p>}
          <Snippet title="SQL" code={step.sql.trim()} />
        </li>
      ))}
      {recipe.outputs.map((output) => (
        <li key={output.file} className={css.step}>
          <h3>
            Write <code>{output.file}</code>
          </h3>
          <Snippet title="SQL" code={output.sql.trim()} />
        </li>
      ))}
    </ol>
  )
}
