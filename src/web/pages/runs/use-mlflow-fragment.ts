import { useEffect } from 'react'
import type { Scope } from '../../paths.ts'
import { useGo } from '../../ui/AppLink.tsx'
import { fragmentTarget } from './mlflow-fragment.ts'

/** The MLflow client prints links such as `…/#/experiments/1/runs/<id>`: go to the page they mean. */
export function useMlflowFragment(scope: Scope): void {
  const go = useGo()
  // biome-ignore lint/correctness/useExhaustiveDependencies: the fragment is read once, when the page is opened
  useEffect(() => {
    const target = fragmentTarget(scope, window.location.hash)
    if (target !== null) go(target, { replace: true })
  }, [])
}
