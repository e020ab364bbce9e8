import { Stack } from '@mantine/core'
import { useMutation, useQuery } from '@tanstack/react-query'
import { type BinItem, binItemQuery, deleteForEver } from '../../api/recycle-bin.ts'
import type { Scope } from '../../paths.ts'
import { ConfirmModal } from '../../ui/ConfirmModal.tsx'
import { Bytes } from '../../ui/values.tsx'
import css from './RecycleBin.module.css'
import { KINDS, lossOf } from './words.ts'

/** Asks before a thing goes for ever: what goes with it, what it frees, and what stands in the way. */
export function DeleteForEver({ scope, item, onClose }: { scope: Scope; item: BinItem; onClose: () => void }) {
  const detail = useQuery(binItemQuery(scope, item))
  const remove = useMutation({ mutationFn: () => deleteForEver(scope, item), onSuccess: onClose })
  const needs = detail.data?.needed_by ?? []
  return (
    <ConfirmModal
      opened
      onClose={onClose}
      title={`Delete ${KINDS[item.kind].one} ${item.name} for ever?`}
      verb="Delete for ever"
      name={item.name}
      pending={remove.isPending}
      error={remove.error}
      onConfirm={() => remove.mutate()}
    >
      <Stack gap="sm">
        <p>
          {lossOf(item)} This frees <Bytes value={item.size_bytes} /> and cannot be undone.
        </p>
        {needs.length > 0 && (
          <div>
            <p>It is refused as long as something needs it:</p>
            <ul className={css.needs}>
              {needs.map((need) => (
                <li key={`${need.kind} ${need.name}`}>
                  {need.kind.replaceAll('_', ' ')} <strong>{need.name}</strong> {need.why}
                </li>
              ))}
            </ul>
          </div>
        )}
      </Stack>
    </ConfirmModal>
  )
}
