import { Button } from '@mantine/core'
import { useClipboard } from '@mantine/hooks'
import { IconBox, IconDatabase, IconDownload, IconLink } from '@tabler/icons-react'
import type { StacItem, StacLink } from '../../api/catalogue.ts'
import { formatBytes } from '../../format.ts'
import { paths } from '../../paths.ts'
import { useGo } from '../../ui/AppLink.tsx'
import { Chip, Chips } from '../../ui/Chip.tsx'
import { Facts, Section } from '../../ui/Page.tsx'
import { SidePanel } from '../../ui/SidePanel.tsx'
import { Snippet } from '../../ui/Snippet.tsx'
import { Time } from '../../ui/values.tsx'
import css from './Catalogue.module.css'
import { factsOf, pageOf, pystacCode, stacUrlOf } from './item-facts.ts'

export function ItemKind({ item }: { item: StacItem }) {
  const Icon = item.collection === 'dataset' ? IconDatabase : IconBox
  return (
    <span className={css.kind}>
      <Icon size={14} stroke={1.75} aria-hidden />
      {item.collection === 'dataset' ? 'Dataset' : 'Model'}
    </span>
  )
}

/** One item beside the list: facts, files, where it came from, how to get it, and the whole JSON. */
export function ItemPanel({ item, onClose }: { item: StacItem | undefined; onClose: () => void }) {
  return (
    <SidePanel opened={item !== undefined} onClose={onClose} title={item?.properties.title ?? ''}>
      {item !== undefined && <Shown item={item} />}
    </SidePanel>
  )
}

function Shown({ item }: { item: StacItem }) {
  const go = useGo()
  const clipboard = useClipboard({ timeout: 1500 })
  const { properties } = item
  const sources = item.links.filter((link) => link.rel === 'derived_from')
  return (
    <>
      <div className={css.actions}>
        <Button variant="filled" onClick={() => go(pageOf(item))}>
          Open its page
        </Button>
        <Button leftSection={<IconLink size={14} />} onClick={() => clipboard.copy(stacUrlOf(item))}>
          {clipboard.copied ? 'Copied' : 'Copy STAC URL'}
        </Button>
      </div>
      {properties.description !== undefined && <p className="muted">{properties.description}</p>}
      <Facts
        items={[
          ['Kind', <ItemKind key="kind" item={item} />],
          ['Project', properties['mlops:project']],
          ['Made', <Time key="made" ms={Date.parse(properties.datetime)} />],
          ['Licence', properties.license ?? null],
          ['Place', item.geometry === null ? 'none: these data are of no place on Earth' : 'see the geometry below'],
          ['What', factsOf(item).join(' · ')],
        ]}
      />
      {sources.length > 0 && (
        <Section title="Made from">
          <Chips>
            {sources.map((link) => (
              <Chip key={link.href} kind={link.href.includes('/ai-model/') ? 'model' : 'dataset'} to={pageOfLink(link)}>
                {link.title ?? link.href.split('/').at(-1)}
              </Chip>
            ))}
          </Chips>
        </Section>
      )}
      <Files item={item} />
      <Section title="In Python">
        <Snippet title="pystac-client" code={pystacCode(item)} />
      </Section>
      <Section title="The item">
        <Snippet title={item.id} code={JSON.stringify(stacOnly(item), null, 2)} />
      </Section>
    </>
  )
}

function Files({ item }: { item: StacItem }) {
  return (
    <Section title="Files">
      <ul className={css.files}>
        {Object.entries(item.assets).map(([name, asset]) => (
          <li key={name}>
            <span className="truncate" title={asset.type}>
              {asset.title ?? name}
            </span>
            <span className="muted small">{asset.roles?.join(', ')}</span>
            <span className="muted num">{formatBytes(asset['file:size'])}</span>
            <a href={asset.href} download aria-label={`Download ${asset.title ?? name}`}>
              <IconDownload size={15} aria-hidden />
            </a>
          </li>
        ))}
      </ul>
    </Section>
  )
}

/** The item as the server gave it, without what this page added to its rows. */
function stacOnly(item: StacItem & { onOpen?: unknown }): unknown {
  const { onOpen: _ours, ...rest } = item
  return rest
}

/** Our page of an item that a link points to; null when the link is not to an item of ours. */
function pageOfLink(link: StacLink): string | null {
  const match = /\/collections\/(dataset|ai-model)\/items\/([^/?#]+)$/.exec(link.href)
  const parts = /^(.+?)--(.+?)--(.+)-v(\d+)$/.exec(match?.[2] ?? '')
  if (match === null || parts === null) return null
  const [, owner = '', project = '', slug = '', version = ''] = parts
  const scope = { owner, project }
  // An id holds the name in lower case and with dashes; the title holds it as it is.
  const name = /^(.+) version \d+$/.exec(link.title ?? '')?.[1] ?? slug
  return match[1] === 'dataset' ? paths.datasetVersion(scope, name, version) : paths.modelVersion(scope, name, version)
}
