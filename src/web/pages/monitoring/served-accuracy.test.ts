import { expect, test } from 'vitest'
import type { Performance } from '../../api/monitoring.ts'
import { servedAccuracy } from './served-accuracy.ts'

const performance = (byVersion: Performance['by_version']): Performance => ({
  metric: 'accuracy',
  coverage: { predicted: 3000, labelled: 2750 },
  window: { size: 2000, labelled: 2000, value: 0.78, interval: [0.76, 0.8] },
  by_version: byVersion,
  series: [],
})

test('after a promotion the new version is judged by its own predictions', () => {
  const mixed = performance([
    { version: 3, labelled: 2500, accuracy: 0.79 },
    { version: 5, labelled: 250, accuracy: 0.844 },
  ])
  expect(servedAccuracy(mixed, 5)).toMatchObject({ version: 5, value: 0.844, labelled: 250 })
  expect(servedAccuracy(mixed, 3)).toMatchObject({ version: null, value: 0.78, labelled: 2000 })
})

test('one version alone is judged by the window', () => {
  expect(servedAccuracy(performance([{ version: 3, labelled: 2000, accuracy: 0.78 }]), 3)).toMatchObject({
    version: null,
    value: 0.78,
  })
})
