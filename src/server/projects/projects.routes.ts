import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyRequest } from 'fastify'
import type { Context } from '../../context.ts'
import { baseUrl, scopeOf } from '../../http/request.ts'
import Type from '../../lib/schema.ts'
import { Member, MemberChange, NewProjectBody, ProjectBody, ProjectChange, ProjectParams } from './projects.schema.ts'
import {
  addProject,
  changeProject,
  listMembers,
  listProjects,
  type Project,
  removeMember,
  setMember,
} from './projects.service.ts'

const tags = ['projects']
const MemberParams = Type.Object({ ...ProjectParams.properties, user: Type.String() })

export function projectsRoutes(ctx: Context): FastifyPluginAsyncTypebox {
  const body = (request: FastifyRequest, project: Project) => ({
    owner: project.owner,
    name: project.name,
    description: project.description,
    visibility: project.visibility,
    created_at_ms: project.createdAtMs,
    role: project.role,
    tracking_uri: `${baseUrl(request, ctx.config)}/mlflow/${project.owner}/${project.name}/tracking/`,
  })

  return async (app) => {
    app.get(
      '/projects',
      {
        config: { permission: 'public' },
        schema: {
          tags,
          summary: 'List the projects I may see',
          response: { 200: Type.Object({ projects: Type.Array(ProjectBody) }) },
        },
      },
      async (request) => ({
        projects: (await listProjects(ctx, request.actor)).map((project) => body(request, project)),
      }),
    )

    app.post(
      '/projects',
      {
        config: { permission: 'signed-in' },
        schema: { tags, summary: 'Make a project', body: NewProjectBody, response: { 201: ProjectBody } },
      },
      async (request, reply) => {
        const project = await addProject(ctx, request.actor, {
          ...request.body,
          owner: request.body.owner ?? request.actor.name,
        })
        return reply.code(201).send(body(request, project))
      },
    )

    app.get(
      '/projects/:owner/:project',
      {
        config: { permission: 'read' },
        schema: { tags, summary: 'One project', params: ProjectParams, response: { 200: ProjectBody } },
      },
      async (request) => body(request, scopeOf(request).project),
    )

    app.patch(
      '/projects/:owner/:project',
      {
        config: { permission: 'manage' },
        schema: {
          tags,
          summary: 'Change description or visibility',
          params: ProjectParams,
          body: ProjectChange,
          response: { 200: ProjectBody },
        },
      },
      async (request) => {
        const { actor, project } = scopeOf(request)
        return body(request, await changeProject(ctx, actor, project, request.body))
      },
    )

    app.get(
      '/projects/:owner/:project/members',
      {
        config: { permission: 'read' },
        schema: {
          tags,
          summary: 'List members',
          params: ProjectParams,
          response: { 200: Type.Object({ members: Type.Array(Member) }) },
        },
      },
      async (request) => ({ members: await listMembers(ctx, scopeOf(request).project) }),
    )

    app.put(
      '/projects/:owner/:project/members/:user',
      {
        config: { permission: 'manage' },
        schema: {
          tags,
          summary: 'Give a user a role',
          params: MemberParams,
          body: MemberChange,
          response: { 200: Member },
        },
      },
      async (request) => {
        const { actor, project } = scopeOf(request)
        await setMember(ctx, actor, project, request.params.user, request.body.role)
        return { name: request.params.user, role: request.body.role }
      },
    )

    app.delete(
      '/projects/:owner/:project/members/:user',
      {
        config: { permission: 'manage' },
        schema: { tags, summary: 'Remove a member', params: MemberParams, response: { 204: Type.Null() } },
      },
      async (request, reply) => {
        const { actor, project } = scopeOf(request)
        await removeMember(ctx, actor, project, request.params.user)
        return reply.code(204).send(null)
      },
    )
  }
}
