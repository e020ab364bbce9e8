import { createHash } from 'node:crypto'

export type ItemIdParts = { owner: string; project: string; slug: string; version: number }

const ITEM_ID =
  /^([a-z0-9]+(?:-[a-z0-9]+)*)--([a-z0-9]+(?:-[a-z0-9]+)*)--([a-z0-9]+(?:-[a-z0-9]+)*)-v([1-9][0-9]{0,9})$/

/** A name as one part of an item id: lower case, every other character a dash, never two dashes in a row. */
export function slugOf(name: string): string {
  const slug = name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '')
  return slug === '' ? 'unnamed' : slug
}

export function formatItemId(parts: ItemIdParts): string {
  return `${parts.owner}--${parts.project}--${parts.slug}-v${parts.version}`
}

/** The parts of an item id; null when it is not one of ours. Owners, projects and slugs hold no `--`, so it splits one way. */
export function parseItemId(id: string): ItemIdParts | null {
  const match = ITEM_ID.exec(id)
  if (match === null) return null
  const [, owner = '', project = '', slug = '', version = ''] = match
  return { owner, project, slug, version: Number(version) }
}

/**
 * The slug of each name of one project and collection. Two names may have the same (`Adult`, `adult`): the one that was
 * there first keeps it, so that an id never changes when another name is added; later ones get six digits of their hash.
 * @param names in the order in which they were first used
 */
export function slugsOf(names: readonly string[]): Map<string, string> {
  const slugs = new Map<string, string>()
  const taken = new Set<string>()
  for (const name of names) {
    if (slugs.has(name)) continue
    const plain = slugOf(name)
    const slug = taken.has(plain) ? `${plain}-${createHash('sha256').update(name).digest('hex').slice(0, 6)}` : plain
    taken.add(slug)
    slugs.set(name, slug)
  }
  return slugs
}
