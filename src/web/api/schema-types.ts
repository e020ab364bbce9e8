import type { paths } from './schema.gen.ts'

type Method = 'get' | 'post' | 'put' | 'patch' | 'delete'
type Json<R> = R extends { content: { 'application/json': infer T } } ? T : never
type Responses<P extends keyof paths, M extends Method> = paths[P] extends { [K in M]: { responses: infer R } }
  ? R
  : never

/** What a route answers when it works: `Ok<'/api/v1/me'>`, `Ok<'/api/v1/projects', 'post'>`. */
export type Ok<P extends keyof paths, M extends Method = 'get'> = Json<
  Responses<P, M>[keyof Responses<P, M> & (200 | 201 | 202)]
>

/** What a route takes. */
export type Body<P extends keyof paths, M extends Method = 'post'> = paths[P] extends {
  [K in M]: { requestBody?: infer B }
}
  ? Json<NonNullable<B>>
  : never
