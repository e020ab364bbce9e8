import { sql } from 'kysely'

/**
 * To be among the conditions of who looks for events of a subject: the index of subjects leaves out by whom and when things
 * were made, which is most events and is seldom looked for. The engines take a partial index only for a query that repeats
 * its condition.
 */
export const NOT_CREATED = sql<boolean>`verb <> 'created'`
