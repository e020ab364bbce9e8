import { CloseButton, Progress } from '@mantine/core'
import { dismissUpload, type Upload, useUploads } from '../api/uploads.ts'
import { formatBytes, formatDuration } from '../format.ts'
import { paths } from '../paths.ts'
import { AppLink } from '../ui/AppLink.tsx'
import { ErrorView } from '../ui/ErrorView.tsx'
import { useNow } from '../ui/values.tsx'
import css from './UploadTray.module.css'

/** Uploads of this browser, on every page while there are any. */
export function UploadTray() {
  const uploads = useUploads()
  if (uploads.length === 0) return null
  return (
    <section className={css.tray} aria-label="Uploads">
      {uploads.map((upload) => (
        <UploadLine key={upload.id} upload={upload} />
      ))}
    </section>
  )
}

function UploadLine({ upload }: { upload: Upload }) {
  const ended = upload.state === 'done' || upload.state === 'failed'
  return (
    <div className={css.upload}>
      <div className={css.line}>
        <span className="truncate">
          {upload.version === null ? (
            <strong>{upload.dataset}</strong>
          ) : (
            <AppLink to={paths.datasetVersion(upload.scope, upload.dataset, upload.version)}>
              {upload.dataset}, version {upload.version}
            </AppLink>
          )}
        </span>
        {ended && <CloseButton size="sm" aria-label="Dismiss" onClick={() => dismissUpload(upload.id)} />}
      </div>
      {upload.state === 'failed' ? <ErrorView error={upload.error} /> : <Detail upload={upload} />}
    </div>
  )
}

function Detail({ upload }: { upload: Upload }) {
  const now = useNow()
  if (upload.state === 'done') return <span className="muted">Published.</span>
  const seconds = Math.max(0.5, (now - upload.startedAtMs) / 1000)
  const rate = upload.doneBytes / seconds
  const rest = rate > 0 ? (upload.totalBytes - upload.doneBytes) / rate : null
  const words = { hashing: 'Computing hashes', sending: 'Sending', publishing: 'Publishing', done: '', failed: '' }[
    upload.state
  ]
  return (
    <>
      <Progress
        size="xs"
        value={upload.totalBytes === 0 ? 100 : (upload.doneBytes / upload.totalBytes) * 100}
        aria-label={words}
        transitionDuration={0}
      />
      <span className="muted num small">
        {words} · {formatBytes(upload.doneBytes)} of {formatBytes(upload.totalBytes)}
        {upload.state === 'sending' &&
          rest !== null &&
          ` · ${formatBytes(Math.round(rate))}/s · ${formatDuration(rest * 1000)} left`}
      </span>
    </>
  )
}
