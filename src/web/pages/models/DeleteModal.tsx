import { useMutation } from '@tanstack/react-query'
import type { Endpoint } from '../../api/endpoints.ts'
import { deleteModel, deleteVersion } from '../../api/models.ts'
import { key, queryClient, type Topic } from '../../api/query.ts'
import { useScope } from '../../frame/project-context.ts'
import { paths } from '../../paths.ts'
import { useGo } from '../../ui/AppLink.tsx'
import { ConfirmModal } from '../../ui/ConfirmModal.tsx'

const TOUCHED: Topic[] = ['models', 'endpoints', 'recycle-bin']

type Props = {
  model: string
  /** Null: the whole model. */
  version: number | null
  aliases: string[]
  /** Endpoints that serve it. */
  endpoints: Endpoint[]
  onClose: () => void
}

/** Puts a model or a version into the recycle bin, and says what goes with it. */
export function DeleteModal({ model, version, aliases, endpoints, onClose }: Props) {
  const scope = useScope()
  const go = useGo()
  const remove = useMutation({
    mutationFn: () => (version === null ? deleteModel(scope, model) : deleteVersion(scope, model, version)),
    onSuccess: async () => {
      go(version === null ? paths.models(scope) : paths.model(scope, model))
      await Promise.all(TOUCHED.map((topic) => queryClient.invalidateQueries({ queryKey: key(scope, topic) })))
    },
  })
  const names = endpoints.map((endpoint) => endpoint.name)
  const what = version === null ? 'model' : 'version'
  return (
    <ConfirmModal
      opened
      onClose={onClose}
      title={`Delete ${model}${version === null ? '' : ` v${version}`}`}
      verb={`Delete ${what}`}
      pending={remove.isPending}
      error={remove.error}
      onConfirm={() => remove.mutate()}
    >
      {version === null ? 'The model goes into the recycle bin with all its versions' : 'It goes into the recycle bin'},
      from where it can be restored.
      {aliases.length > 0 &&
        ` The ${aliases.length === 1 ? 'alias' : 'aliases'} ${aliases.join(', ')} will be gone, and programs that load by ${aliases.length === 1 ? 'it' : 'them'} will fail.`}
      {names.length > 0 &&
        ` ${names.join(' and ')} ${names.length === 1 ? 'serves' : 'serve'} it and will have nothing to serve.`}
    </ConfirmModal>
  )
}
