/** What the reader chose in the column chooser, by the column's id: shown or not. Columns not named are as they come. */
export type ChosenColumns = ReadonlyMap<string, boolean>

/** From the address: `metrics.loss,-params.depth` shows the one and hides the other, whatever a table shows by itself. */
export function chosenColumns(text: string): ChosenColumns {
  const ids = text.split(',').filter((id) => id !== '')
  return new Map(ids.map((id) => (id.startsWith('-') ? [id.slice(1), false] : [id, true])))
}

export function isShown(column: { id: string; hidden?: boolean }, chosen: ChosenColumns): boolean {
  return chosen.get(column.id) ?? column.hidden !== true
}

/** The text for the address after a column was shown or hidden. What a table shows or hides by itself is not told. */
export function withColumn(chosen: ChosenColumns, column: { id: string; hidden?: boolean }, shown: boolean): string {
  const others = [...chosen].filter(([id]) => id !== column.id)
  const all = shown === (column.hidden !== true) ? others : [...others, [column.id, shown] as const]
  return all.map(([id, isChosen]) => (isChosen ? id : `-${id}`)).join(',')
}
