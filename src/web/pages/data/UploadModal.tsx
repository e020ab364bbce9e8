import { Button, FileButton, Modal, Stack, TextInput } from '@mantine/core'
import { IconUpload } from '@tabler/icons-react'
import { type DragEvent, type FormEvent, useState } from 'react'
import { BROWSER_MAX_BYTES, canHash } from '../../api/hash.ts'
import { startUpload } from '../../api/uploads.ts'
import { formatBytes, plural } from '../../format.ts'
import { useScope } from '../../frame/project-context.ts'
import { Snippet } from '../../ui/Snippet.tsx'
import { pushCommand } from './snippets.ts'
import css from './UploadModal.module.css'

type Props = { opened: boolean; onClose: () => void; dataset?: string }

const NAME = /^[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?$/

/** Files from this machine as a new version of a dataset. The upload goes on in the tray when this closes. */
export function UploadModal({ opened, onClose, dataset }: Props) {
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      title={dataset === undefined ? 'Upload data' : `New version of ${dataset}`}
      size={520}
    >
      {canHash() ? <UploadForm onClose={onClose} dataset={dataset} /> : <NoHash dataset={dataset ?? 'my-data'} />}
    </Modal>
  )
}

function NoHash({ dataset }: { dataset: string }) {
  const scope = useScope()
  return (
    <Stack gap="md">
      <p>
        This page was not opened over HTTPS or on this machine, so the browser may not compute hashes. The command line
        does the same:
      </p>
      <Snippet title="Shell" code={pushCommand(scope, dataset)} />
    </Stack>
  )
}

function UploadForm({ onClose, dataset }: { onClose: () => void; dataset: string | undefined }) {
  const scope = useScope()
  const [name, setName] = useState(dataset ?? '')
  const [message, setMessage] = useState('')
  const [files, setFiles] = useState<File[]>([])
  const tooLarge = files.find((file) => file.size > BROWSER_MAX_BYTES)
  const take = (chosen: File[]) => {
    setFiles(chosen)
    if (name === '' && chosen[0] !== undefined) setName(nameFrom(chosen[0]))
  }
  const submit = (event: FormEvent) => {
    event.preventDefault()
    void startUpload(scope, {
      dataset: name,
      message,
      files: files.map((file) => ({ path: file.webkitRelativePath || file.name, file })),
    })
    onClose()
  }
  const nameError =
    name !== '' && !NAME.test(name)
      ? 'Letters, digits, “.”, “_” and “-”; it starts and ends with a letter or digit.'
      : null
  return (
    <form onSubmit={submit}>
      <Stack gap="md">
        <DropArea files={files} onFiles={take} />
        {tooLarge !== undefined && <TooLarge file={tooLarge} dataset={name === '' ? 'my-data' : name} />}
        {dataset === undefined && (
          <TextInput
            label="Dataset"
            description="A name that exists gets a new version."
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
            error={nameError}
            maxLength={100}
          />
        )}
        <TextInput
          label="What changed"
          description="Shown beside the version."
          value={message}
          onChange={(event) => setMessage(event.currentTarget.value)}
        />
        <div>
          <Button
            type="submit"
            variant="filled"
            disabled={files.length === 0 || name === '' || nameError !== null || tooLarge !== undefined}
          >
            Upload {files.length === 0 ? 'files' : plural(files.length, 'file')}
          </Button>
        </div>
      </Stack>
    </form>
  )
}

/** `Iris Flowers.csv` → `iris-flowers`. */
function nameFrom(file: File): string {
  return file.name
    .replace(/\.[^.]*$/, '')
    .replace(/[^A-Za-z0-9._-]+/g, '-')
    .toLowerCase()
}

function TooLarge({ file, dataset }: { file: File; dataset: string }) {
  const scope = useScope()
  return (
    <>
      <p>
        {file.name} has {formatBytes(file.size)}. A browser sends files up to {formatBytes(BROWSER_MAX_BYTES)}; larger
        ones go by the command line:
      </p>
      <Snippet title="Shell" code={pushCommand(scope, dataset)} />
    </>
  )
}

function DropArea({ files, onFiles }: { files: File[]; onFiles: (files: File[]) => void }) {
  const [over, setOver] = useState(false)
  const drop = (event: DragEvent) => {
    event.preventDefault()
    setOver(false)
    onFiles([...event.dataTransfer.files])
  }
  return (
    <>
      {/* biome-ignore lint/a11y/noStaticElementInteractions: dropping is a second way; the button inside is the one for the keyboard */}
      <div
        className={css.drop}
        data-over={over || undefined}
        onDragOver={(event) => {
          event.preventDefault()
          setOver(true)
        }}
        onDragLeave={() => setOver(false)}
        onDrop={drop}
      >
        <span className="muted">Drop files here: CSV, Parquet and JSON lines can be looked into</span>
        <span>
          <FileButton multiple onChange={onFiles}>
            {(props) => (
              <Button {...props} leftSection={<IconUpload size={15} />}>
                Choose files
              </Button>
            )}
          </FileButton>
        </span>
      </div>
      {files.length > 0 && (
        <ul className={css.files} aria-label="Chosen files">
          {files.map((file) => (
            <li key={file.name}>
              <span className="truncate">{file.name}</span>
              <span className="muted num">{formatBytes(file.size)}</span>
            </li>
          ))}
        </ul>
      )}
    </>
  )
}
