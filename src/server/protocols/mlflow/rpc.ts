import type { FastifyInstance } from 'fastify'
import type { Context } from '../../../context.ts'
import type { Actor } from '../../../lib/actor.ts'
import type { Project } from '../../projects/projects.service.ts'

/** One call of an RPC: who, in which project, with the decoded message and the path's parameters. */
export type RpcCall = {
  ctx: Context
  actor: Actor
  project: Project
  /** The project as MLflow's clients name it here, see `namedWorkspace`. */
  workspace: string
  message: Record<string, unknown>
  params: Record<string, string>
}

/** An answer that is JSON text already, or its bytes. */
export class JsonText {
  readonly text: string | Buffer

  constructor(text: string | Buffer) {
    this.text = text
  }
}

/** One remote procedure of MLflow's REST API; door.ts registers it at every place where clients look for it. */
export type Rpc = {
  methods: ('GET' | 'POST' | 'PATCH' | 'DELETE' | 'PUT')[]
  /** Below `/api/<version>/mlflow`; may hold `:params`. */
  path: string
  /** Default `2.0`. */
  version?: '2.0' | '3.0'
  /** The real server has it below `/ajax-api` only. */
  ajaxOnly?: boolean
  permission: 'read' | 'write'
  /** A job's token may call it; the service checks that what changes is its run's. What only reads needs no flag. */
  runToken?: boolean
  /** The answer's message; unset, null and empty repeated fields are left out on the wire. */
  handle(call: RpcCall): Promise<object>
}

/** Routes of the door that are no RPCs (bytes in or out); added below the root and below each project's tracking URI. */
export type DoorRoutes = (app: FastifyInstance, ctx: Context) => void
