import { Button, Modal, Select, Stack, TextInput } from '@mantine/core'
import { useMutation, useQuery } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import { ApiError } from '../../api/errors.ts'
import { copyVersion, type ModelVersion } from '../../api/models.ts'
import { projectsQuery } from '../../api/projects.ts'
import { key, queryClient } from '../../api/query.ts'
import { useScope } from '../../frame/project-context.ts'
import { paths } from '../../paths.ts'
import { useGo } from '../../ui/AppLink.tsx'
import { ErrorView } from '../../ui/ErrorView.tsx'

/** Copies a version into a model of another project, and goes there. Mount it anew for each use. */
export function CopyVersionModal({ version, onClose }: { version: ModelVersion; onClose: () => void }) {
  const scope = useScope()
  const go = useGo()
  const here = `${scope.owner}/${scope.project}`
  const writable = useOtherProjects(here)
  const [project, setProject] = useState<string | null>(null)
  const [model, setModel] = useState(version.name)
  const copy = useMutation({
    mutationFn: () => {
      const [owner = '', name = ''] = (project ?? '').split('/')
      return copyVersion({ owner, project: name }, model.trim(), {
        project: here,
        model: version.name,
        version: version.version,
      }).then((made) => ({ made, target: { owner, project: name } }))
    },
    onSuccess: async ({ made, target }) => {
      await queryClient.invalidateQueries({ queryKey: key(target, 'models') })
      go(paths.modelVersion(target, made.name, made.version))
    },
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    copy.mutate()
  }
  const error = copy.error instanceof ApiError && copy.error.fieldName === 'name' ? copy.error.message : null
  const none = writable?.length === 0
  return (
    <Modal opened onClose={onClose} title={`Copy ${version.name} v${version.version}`}>
      <form onSubmit={submit}>
        <Stack gap="md">
          <Select
            label="Project"
            description={none ? 'There is no other project that you may change.' : 'Those that you may change.'}
            data={writable ?? []}
            value={project}
            onChange={setProject}
            disabled={none}
            searchable
            data-autofocus
          />
          <TextInput
            label="Model"
            description="It gets a new version; the model is made when there is none of this name."
            value={model}
            onChange={(event) => setModel(event.currentTarget.value)}
            error={error}
            maxLength={256}
          />
          <p className="muted">
            Files, signature, tags, description and the ONNX form go along. The run, aliases and stage stay here. The
            copy says where it came from to those who may see this project, and stays when this version is deleted.
          </p>
          {error === null && <ErrorView error={copy.error} />}
          <div>
            <Button
              type="submit"
              variant="filled"
              loading={copy.isPending}
              disabled={project === null || model.trim() === ''}
            >
              Copy version
            </Button>
          </div>
        </Stack>
      </form>
    </Modal>
  )
}

/** The other projects that the reader may change, as `owner/name`; undefined until they are known. */
function useOtherProjects(here: string): string[] | undefined {
  return useQuery(projectsQuery)
    .data?.filter((project) => project.role !== 'viewer')
    .map((project) => `${project.owner}/${project.name}`)
    .filter((name) => name !== here)
}
