import { queryOptions } from '@tanstack/react-query'
import { fetchRaw } from '../../api/client.ts'
import { type OpenApiDocument, readDocument } from './document.ts'

/** This server's own description of its API. */
export const referenceQuery = queryOptions({
  queryKey: ['openapi'],
  queryFn: async () => readDocument((await (await fetchRaw('/openapi.json')).json()) as OpenApiDocument),
  staleTime: Number.POSITIVE_INFINITY,
})
