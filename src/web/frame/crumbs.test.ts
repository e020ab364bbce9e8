import { expect, test } from 'vitest'
import { crumbsOf } from './crumbs.ts'

test('a breadcrumb is the address', () => {
  expect(crumbsOf(['ada', 'income', 'data', 'adult', 'versions', '3'])).toEqual([
    { label: 'ada/income', to: '/ada/income' },
    { label: 'Data', to: '/ada/income/data' },
    { label: 'adult', to: '/ada/income/data/adult' },
    { label: 'version 3', to: '/ada/income/data/adult/versions/3' },
  ])
  expect(crumbsOf(['ada', 'income']).map((crumb) => crumb.label)).toEqual(['ada/income'])
  expect(crumbsOf(['api-reference']).map((crumb) => crumb.label)).toEqual(['API reference'])
  expect(crumbsOf([])).toEqual([])
})
