import { Button, Modal, Select, Stack, TextInput } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import { ApiError } from '../../api/errors.ts'
import { makeProject, type NewProject, projectsQuery } from '../../api/projects.ts'
import { queryClient } from '../../api/query.ts'
import { paths } from '../../paths.ts'
import { useGo } from '../../ui/AppLink.tsx'
import { ErrorView } from '../../ui/ErrorView.tsx'

type Props = { opened: boolean; onClose: () => void; owner: string }

const VISIBILITIES = [
  { value: 'private', label: 'Private: only its members' },
  { value: 'internal', label: 'Internal: everyone signed in' },
  { value: 'public', label: 'Public: everyone' },
]

/** Name, description, who sees it. */
export function NewProjectModal({ opened, onClose, owner }: Props) {
  const go = useGo()
  const [name, setName] = useState('')
  const [description, setDescription] = useState('')
  const [visibility, setVisibility] = useState<NonNullable<NewProject['visibility']>>('private')
  const make = useMutation({
    mutationFn: () => makeProject({ name, description, visibility }),
    onSuccess: async (project) => {
      await queryClient.invalidateQueries({ queryKey: projectsQuery.queryKey })
      onClose()
      go(paths.project({ owner: project.owner, project: project.name }))
    },
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    make.mutate()
  }
  const nameError = make.error instanceof ApiError && make.error.fieldName === 'name' ? make.error.message : null
  return (
    <Modal opened={opened} onClose={onClose} title="New project">
      <form onSubmit={submit}>
        <Stack gap="md">
          <TextInput
            label="Name"
            description={`Lower-case letters, digits and dashes. It will be ${owner}/${name === '' ? 'name' : name}.`}
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
            error={nameError}
            required
            withAsterisk={false}
            maxLength={31}
            data-autofocus
          />
          <TextInput
            label="Description"
            value={description}
            onChange={(event) => setDescription(event.currentTarget.value)}
          />
          <Select
            label="Visibility"
            data={VISIBILITIES}
            value={visibility}
            onChange={(value) => setVisibility(value as typeof visibility)}
          />
          {nameError === null && <ErrorView error={make.error} />}
          <div>
            <Button type="submit" variant="filled" loading={make.isPending} disabled={name === ''}>
              Make project
            </Button>
          </div>
        </Stack>
      </form>
    </Modal>
  )
}
