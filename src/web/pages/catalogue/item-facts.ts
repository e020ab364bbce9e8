import type { StacItem } from '../../api/catalogue.ts'
import { absolute } from '../../base.ts'
import { formatBytes, formatCount, formatNumber, plural } from '../../format.ts'
import { paths } from '../../paths.ts'

/** The name of the dataset or model whose version an item is. */
export function nameOf(item: StacItem): string {
  const uri = item.properties['mlflow:model_uri']
  if (uri !== undefined) return uri.replace(/^models:\//, '').replace(/\/\d+$/, '')
  return item.properties.title.replace(/ version \d+$/, '')
}

/** Our page of the version. */
export function pageOf(item: StacItem): string {
  const [owner = '', project = ''] = item.properties['mlops:project'].split('/')
  const { version } = item.properties
  return item.collection === 'dataset'
    ? paths.datasetVersion({ owner, project }, nameOf(item), version)
    : paths.modelVersion({ owner, project }, nameOf(item), version)
}

export function stacUrlOf(item: StacItem): string {
  return absolute(`/api/stac/collections/${item.collection}/items/${item.id}`)
}

/** The few facts that tell one item from another. */
export function factsOf(item: StacItem): string[] {
  const { properties } = item
  const size = Object.values(item.assets).reduce((sum, asset) => sum + (asset['file:size'] ?? 0), 0)
  const facts: string[] = []
  if (item.collection === 'dataset') {
    if (properties['table:row_count'] !== undefined) facts.push(`${formatCount(properties['table:row_count'])} rows`)
    if (properties['table:columns'] !== undefined) facts.push(plural(properties['table:columns'].length, 'column'))
    facts.push(plural(Object.keys(item.assets).length, 'file'))
  } else {
    if (properties['mlops:aliases'] !== undefined && properties['mlops:aliases'].length > 0)
      facts.push(properties['mlops:aliases'].join(', '))
    if (properties['mlm:framework'] !== undefined)
      facts.push([properties['mlm:framework'], properties['mlm:framework_version']].filter(Boolean).join(' '))
    const [metric] = Object.entries(properties['mlops:metrics'] ?? {}).sort(([a], [b]) => heldOut(a) - heldOut(b))
    if (metric !== undefined) facts.push(`${metric[0]} ${formatNumber(metric[1])}`)
  }
  if (size > 0) facts.push(formatBytes(size))
  return facts
}

function heldOut(metric: string): number {
  return /^test.*accuracy/i.test(metric) ? 0 : /^(test|val|eval)/i.test(metric) ? 1 : 2
}

/** How to get exactly this item in Python. */
export function pystacCode(item: StacItem): string {
  return `from pystac_client import Client\n\ncatalog = Client.open("${absolute('/api/stac')}")\nitem = catalog.get_collection("${item.collection}").get_item("${item.id}")\nfor name, asset in item.assets.items():\n    print(name, asset.href)`
}
