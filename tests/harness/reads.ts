import { sql } from 'kysely'
import { defineRead } from '../../src/db/reads.ts'

/** Any statement, asked as the program's own reads are: in a thread where there are threads. */
export const rawQuery = defineRead(import.meta.url, 'rawQuery', async (db, text: string) => {
  return (await sql.raw(text).execute(db)).rows
})
