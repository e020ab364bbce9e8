import {
  IconAlertTriangleFilled,
  IconCircleCheckFilled,
  IconCircleDashed,
  IconCircleMinus,
  IconCircleXFilled,
  IconClockHour4,
  IconLoader2,
  type IconProps,
} from '@tabler/icons-react'
import type { ComponentType } from 'react'
import css from './StatusBadge.module.css'

export type Tone = 'neutral' | 'success' | 'warning' | 'danger' | 'info'
type Look = { word: string; tone: Tone; icon: ComponentType<IconProps>; spins?: boolean }

const running = (word: string): Look => ({ word, tone: 'info', icon: IconLoader2, spins: true })
const waiting = (word: string): Look => ({ word, tone: 'neutral', icon: IconClockHour4 })
const good = (word: string): Look => ({ word, tone: 'success', icon: IconCircleCheckFilled })
const bad = (word: string): Look => ({ word, tone: 'danger', icon: IconCircleXFilled })
const odd = (word: string): Look => ({ word, tone: 'warning', icon: IconAlertTriangleFilled })
const off = (word: string): Look => ({ word, tone: 'neutral', icon: IconCircleMinus })

/** Every state of the platform: shape, colour and word. */
const LOOKS: Record<string, Look> = {
  // runs
  RUNNING: running('Running'),
  SCHEDULED: waiting('Scheduled'),
  FINISHED: good('Finished'),
  FAILED: bad('Failed'),
  KILLED: off('Stopped'),
  // traces and spans
  OK: good('OK'),
  ERROR: bad('Error'),
  IN_PROGRESS: running('In progress'),
  STATE_UNSPECIFIED: off('Unknown'),
  UNSET: off('Not said'),
  // jobs
  queued: waiting('Queued'),
  preparing: running('Preparing'),
  running: running('Running'),
  succeeded: good('Succeeded'),
  failed: bad('Failed'),
  cancelled: off('Cancelled'),
  lost: odd('Lost'),
  // the audit log
  done: good('Done'),
  denied: odd('Denied'),
  // webhooks and their deliveries
  ACTIVE: good('Active'),
  DISABLED: off('Disabled'),
  failing: odd('Failing'),
  delivered: good('Delivered'),
  retrying: odd('Will be retried'),
  // ONNX forms, endpoints
  ready: good('Ready'),
  refused: odd('Refused'),
  converting: running('Converting'),
  unavailable: bad('Unavailable'),
  // policies and decisions
  watching: { word: 'Watching', tone: 'success', icon: IconCircleDashed },
  retraining: running('Retraining'),
  cooling: waiting('Cooling down'),
  comparing: running('Comparing'),
  waiting: { word: 'Waiting for approval', tone: 'warning', icon: IconClockHour4 },
  promoted: good('Promoted'),
  undone: off('Undone'),
  off: off('Off'),
  // profiles, logged models
  pending: waiting('Pending'),
  none: off('None'),
  LOGGED_MODEL_READY: good('Ready'),
  LOGGED_MODEL_PENDING: waiting('Pending'),
  LOGGED_MODEL_UPLOAD_FAILED: bad('Upload failed'),
  deleted: off('Deleted'),
}

/** A state as shape, colour and word. `filled` gives it a background, for title lines. */
export function StatusBadge({ status, filled = false }: { status: string; filled?: boolean }) {
  const look: Look = LOOKS[status] ?? { word: status, tone: 'neutral', icon: IconCircleDashed }
  const Icon = look.icon
  return (
    <span className={`${css.badge} ${css[look.tone]}`} data-filled={filled || undefined} data-status={status}>
      <Icon size={14} className={look.spins === true ? css.spin : undefined} aria-hidden />
      {look.word}
    </span>
  )
}
