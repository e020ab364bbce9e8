import { Button, Radio, Stack, Textarea } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import { changeProject, type Project, projectsQuery } from '../../api/projects.ts'
import { key, queryClient } from '../../api/query.ts'
import { useProject } from '../../frame/project-context.ts'
import { ErrorView } from '../../ui/ErrorView.tsx'

const VISIBILITIES: { value: Project['visibility']; label: string; description: string }[] = [
  { value: 'private', label: 'Private', description: 'Only the owner and members see it.' },
  { value: 'internal', label: 'Internal', description: 'Everyone who is signed in sees it; only members change it.' },
  { value: 'public', label: 'Public', description: 'Everyone sees it, without an account; only members change it.' },
]

/** Description and visibility. */
export function ProjectTab() {
  const { scope, project, canManage } = useProject()
  const [description, setDescription] = useState(project.description)
  const [visibility, setVisibility] = useState(project.visibility)
  const save = useMutation({
    mutationFn: () => changeProject(scope, { description, visibility }),
    onSuccess: async () => {
      await queryClient.invalidateQueries({ queryKey: key(scope, 'project') })
      await queryClient.invalidateQueries({ queryKey: projectsQuery.queryKey })
    },
  })
  const changed = description !== project.description || visibility !== project.visibility
  const submit = (event: FormEvent) => {
    event.preventDefault()
    save.mutate()
  }
  return (
    <form onSubmit={submit} style={{ maxWidth: 560 }}>
      <Stack gap="lg">
        <Textarea
          label="Description"
          autosize
          minRows={2}
          maxRows={10}
          value={description}
          onChange={(event) => setDescription(event.currentTarget.value)}
          disabled={!canManage}
        />
        <Radio.Group
          label="Visibility"
          value={visibility}
          onChange={(value) => setVisibility(value as Project['visibility'])}
        >
          <Stack gap="sm" pt={4}>
            {VISIBILITIES.map((one) => (
              <Radio
                key={one.value}
                size="xs"
                value={one.value}
                label={one.label}
                description={one.description}
                disabled={!canManage}
              />
            ))}
          </Stack>
        </Radio.Group>
        <ErrorView error={save.error} />
        {canManage ? (
          <div>
            <Button type="submit" variant="filled" disabled={!changed} loading={save.isPending}>
              Save changes
            </Button>
          </div>
        ) : (
          <p className="muted small">Only an owner of the project changes this; your role is {project.role}.</p>
        )}
      </Stack>
    </form>
  )
}
