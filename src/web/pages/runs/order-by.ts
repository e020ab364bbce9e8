/** A column's sort as MLflow's grammar says it: `-metrics.val/acc` → "metrics.`val/acc` DESC". */
export function orderBy(sort: string): string {
  if (sort === '') return ''
  const name = sort.replace(/^-/, '')
  const dot = name.indexOf('.')
  const [kind, field] = [name.slice(0, dot), name.slice(dot + 1)]
  const quoted = /^[A-Za-z_]\w*$/.test(field) ? field : `\`${field}\``
  return `${kind}.${quoted} ${sort.startsWith('-') ? 'DESC' : 'ASC'}`
}
