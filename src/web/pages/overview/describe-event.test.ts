import { expect, test } from 'vitest'
import type { ProjectEvent } from '../../api/projects.ts'
import { happenings } from './describe-event.ts'

let id = 0
const event = (verb: string, kind: string, subject: string, detail: Record<string, unknown> = {}): ProjectEvent => ({
  id: ++id,
  actor: 'ada',
  verb,
  kind,
  subject,
  detail,
  created_at_ms: 1,
})
const words = (events: ProjectEvent[]) =>
  happenings(events).map((one) => [one.before, one.name, one.after].join(' ').trim())

test('events read as sentences, with the names that other events tell', () => {
  expect(
    words([
      event('updated', 'run', 'r1', { status: 'FAILED' }),
      event('updated', 'run', 'r1', { tag: 'team' }),
      event('created', 'run', 'r1', { name: 'baseline' }),
      event('succeeded', 'job', 'j1', { name: 'train' }),
      event('started', 'job', 'j1'),
      event('ready', 'form', 'income/1'),
      event('created', 'dataset_version', 'adult/2'),
      event('set', 'alias', 'income/champion', { version: 2 }),
    ]),
  ).toEqual([
    'Run baseline failed',
    'ada started run baseline',
    'Job train succeeded',
    'ONNX form of income/1 is ready',
    'ada created dataset version adult/2',
    'ada set alias income/champion to version 2',
  ])
})
