import { Button } from '@mantine/core'
import { IconDownload } from '@tabler/icons-react'
import { useMutation } from '@tanstack/react-query'
import { apiUrl } from '../../api/client.ts'
import { type ModelVersion, type OnnxForm, requestOnnx, versionPath } from '../../api/models.ts'
import { key, queryClient } from '../../api/query.ts'
import { useProject } from '../../frame/project-context.ts'
import { paths } from '../../paths.ts'
import { Chip } from '../../ui/Chip.tsx'
import { ErrorView } from '../../ui/ErrorView.tsx'
import { Facts, Section } from '../../ui/Page.tsx'
import { StatusBadge } from '../../ui/StatusBadge.tsx'
import { Bytes, Time } from '../../ui/values.tsx'
import css from './Models.module.css'
import { ParityReportView } from './ParityReport.tsx'

/** The ONNX form of a version: whether there is one, how we know that it answers alike, and what follows when there is none. */
export function OnnxPanel({ version }: { version: ModelVersion }) {
  const { scope, canWrite } = useProject()
  const form = version.onnx
  const request = useMutation({
    mutationFn: () => requestOnnx(scope, version.name, version.version),
    onSuccess: () => queryClient.invalidateQueries({ queryKey: key(scope, 'models') }),
  })
  const mayAsk = canWrite && (form === null || form.state === 'refused' || form.state === 'failed')
  return (
    <Section
      title="ONNX form"
      actions={
        <span className={css.tools}>
          {form !== null && <StatusBadge status={form.state} filled />}
          {form?.state === 'ready' && (
            <Button
              component="a"
              size="compact-sm"
              href={apiUrl(`${versionPath(scope, version.name, version.version)}/onnx/content`)}
              download="model.onnx"
              leftSection={<IconDownload size={14} />}
            >
              Download model.onnx
            </Button>
          )}
          {mayAsk && (
            <Button size="compact-sm" loading={request.isPending} onClick={() => request.mutate()}>
              {form === null ? 'Convert to ONNX' : 'Try again'}
            </Button>
          )}
        </span>
      }
    >
      <ErrorView error={request.error} />
      {form === null ? (
        <p className={css.none}>
          There is none. ONNX is a plain description of the computation that the server can run by itself, fast and
          without Python. Until there is one, predictions are made by a Python process beside the server.
        </p>
      ) : (
        <FormView form={form} />
      )}
    </Section>
  )
}

function FormView({ form }: { form: OnnxForm }) {
  const { scope } = useProject()
  return (
    <>
      <Facts
        items={[
          ['Size', form.size_bytes === null ? null : <Bytes key="size" value={form.size_bytes} />],
          ['Since', <Time key="since" ms={form.updated_at_ms} />],
          [
            'Job',
            form.job_id === null ? null : (
              <Chip key="job" kind="job" to={paths.job(scope, form.job_id)}>
                {form.job_id.slice(-8)}
              </Chip>
            ),
          ],
        ]}
      />
      {(form.state === 'queued' || form.state === 'running') && (
        <p className={css.none} role="status">
          The conversion is {form.state === 'queued' ? 'waiting for its turn' : 'running'}; its job has the log.
          Meanwhile predictions are made by a Python process beside the server.
        </p>
      )}
      {(form.state === 'refused' || form.state === 'failed') && (
        <div className={css.prose}>
          <p>
            <strong>{form.state === 'refused' ? 'Not used: ' : 'The conversion failed: '}</strong>
            {form.reason ?? 'its job says no reason.'}
          </p>
          <p className="muted">
            So this version is served by Python: the original model answers, in a process beside the server. The answers
            are its own; they take longer, and the first one waits until Python has started.
          </p>
        </div>
      )}
      {form.report !== null && <ParityReportView report={form.report} />}
    </>
  )
}
