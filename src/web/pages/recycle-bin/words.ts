import { IconBox, IconDatabase, IconFlask2, type IconProps, IconRoute2, IconStack2 } from '@tabler/icons-react'
import type { ComponentType } from 'react'
import type { BinItem, BinKind } from '../../api/recycle-bin.ts'
import { plural } from '../../format.ts'

type Words = { one: string; many: string; icon: ComponentType<IconProps>; contents: string }

/** How each kind of thing is called; `contents`: what goes with it. */
export const KINDS: Record<BinKind, Words> = {
  run: { one: 'run', many: 'Runs', icon: IconRoute2, contents: '' },
  experiment: { one: 'experiment', many: 'Experiments', icon: IconFlask2, contents: 'run' },
  logged_model: { one: 'logged model', many: 'Logged models', icon: IconBox, contents: '' },
  model: { one: 'model', many: 'Models', icon: IconBox, contents: 'version' },
  model_version: { one: 'model version', many: 'Model versions', icon: IconBox, contents: '' },
  dataset: { one: 'dataset', many: 'Datasets', icon: IconStack2, contents: 'version' },
  dataset_version: { one: 'dataset version', many: 'Dataset versions', icon: IconDatabase, contents: '' },
}

/** "with 12 runs", or nothing. */
export function withContents({ kind, contents }: Pick<BinItem, 'kind' | 'contents'>): string {
  return contents === 0 || KINDS[kind].contents === '' ? '' : `with ${plural(contents, KINDS[kind].contents)}`
}

/** What goes for ever with a thing, in a sentence for the one who decides. */
export function lossOf(item: Pick<BinItem, 'kind' | 'contents'>): string {
  const words = withContents(item)
  const also = words === '' ? '' : ` ${words}`
  switch (item.kind) {
    case 'run':
      return 'Its params, metrics, tags and files go, and the models that it logged.'
    case 'experiment':
      return `The experiment goes${also}: their params, metrics, tags, files and logged models.`
    case 'logged_model':
      return 'Its files, params and metrics go.'
    case 'model':
      return `The model goes${also}, their ONNX forms and descriptions. The files of the runs they came from stay with the runs.`
    case 'model_version':
      return 'Its ONNX form, tags and description go. The files of the run it came from stay with the run.'
    case 'dataset':
      return `The dataset goes${also}, and every file that no other dataset has.`
    case 'dataset_version':
      return 'The version goes, and every file of it that no other version has.'
  }
}
