import type { paths } from '../web/api/schema.gen.ts'

type InProject = '/api/v1/projects/{owner}/{project}'
type ProjectPath = Extract<keyof paths, `${InProject}/${string}`>
/** A path below a project, as openapi.json writes it: `/jobs/{job}`. */
type Below = ProjectPath extends `${InProject}${infer Rest}` ? Rest : never
type Content<Response> = Response extends { content: { 'application/json': infer Body } } ? Body : never

/** What the API answers to a successful request below a project; generated from the routes, so it cannot drift. */
export type Answer<Path extends Below, Method extends 'get' | 'post' | 'put' | 'patch'> = paths[`${InProject}${Path}` &
  keyof paths] extends infer Operations
  ? Operations extends { [M in Method]: { responses: infer Responses } }
    ? Content<Responses[keyof Responses & (200 | 201 | 202)]>
    : never
  : never

/** The body that a request below a project takes. */
export type Body<Path extends Below, Method extends 'post' | 'put' | 'patch'> = paths[`${InProject}${Path}` &
  keyof paths] extends infer Operations
  ? Operations extends { [M in Method]: { requestBody: { content: { 'application/json': infer Body } } } }
    ? Body
    : never
  : never
