import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import type { Context } from '../../../context.ts'
import { toAppError } from '../../../http/errors.ts'
import { scopeOf } from '../../../http/request.ts'
import { AppError, badRequest, notFound } from '../../../lib/errors.ts'
import { parseForeignJson } from '../../../lib/json-text.ts'
import Type from '../../../lib/schema.ts'
import { EndpointParams } from '../../serving/endpoints.schema.ts'
import { type Endpoint, findEndpoint } from '../../serving/endpoints.service.ts'
import { classLabels } from '../../serving/load.ts'
import { predictOnEndpoint } from '../../serving/predict.service.ts'
import { currentVersion, servingState } from '../../serving/rollout.service.ts'
import { inputSignature, outputType } from '../../serving/signature.ts'
import { describeAnswer, errorHeaders, takeRawBodies } from './answers.ts'
import { writeBinary } from './oip-binary.ts'
import { describeInputs, describeOutputs, inferRows, outputTensors, type WireTensor } from './oip-tensors.ts'

type Params = { endpoint: string; model: string; version?: string }
type Infer = { id?: unknown; inputs?: unknown; parameters?: Record<string, unknown>; outputs?: unknown }

const door = { permission: 'read', door: true } as const
const tags = ['inference']
const ModelParams = Type.Object({ ...EndpointParams.properties, model: Type.String() })
const VersionParams = Type.Object({ ...ModelParams.properties, version: Type.String() })
const JSON_LENGTH = 'inference-header-content-length'

/**
 * The Open Inference Protocol v2 over REST, with binary tensors. Registered under `/endpoints/:owner/:project/:endpoint/v2`;
 * its one model has the endpoint's name, its versions are the registered model's.
 */
export function oipRoutes(ctx: Context, serverVersion: string): FastifyPluginAsync {
  return async (app) => {
    takeRawBodies(app)
    app.setErrorHandler((error, request, reply) => {
      const known = toAppError(error)
      errorHeaders(request, reply, known)
      return reply.type('application/json; charset=utf-8').send({ error: known.message })
    })
    const describe = (summary: string, params: Type.TSchema = EndpointParams) => ({
      config: door,
      schema: { tags, summary, params },
    })
    const ready = async (endpoint: Endpoint, version: string | undefined) => {
      const { version: answering } = await servingState(ctx, endpoint)
      if (answering === null)
        throw new AppError('unavailable', `The endpoint "${endpoint.name}" answers with no version now.`, {
          retryAfterSeconds: 5,
        })
      if (version !== undefined && version !== String(answering))
        throw notFound(`Model ${endpoint.name} version ${version} not found; version ${answering} answers.`)
    }

    app.get('/', describe('Server metadata'), async () => ({
      name: 'trainyard',
      version: serverVersion,
      extensions: ['binary_tensor_data'],
    }))
    app.get('/health/live', describe('200 while the server lives'), async (_request, reply) => reply.send())
    app.get<{ Params: Params }>('/health/ready', describe('200 while a version answers'), async (request, reply) => {
      await ready(await findEndpoint(ctx, scopeOf(request).project.id, request.params.endpoint), undefined)
      return reply.send()
    })

    for (const [path, params] of [
      ['/models/:model', ModelParams],
      ['/models/:model/versions/:version', VersionParams],
    ] as const) {
      app.get<{ Params: Params }>(
        `${path}/ready`,
        describe('200 while the model answers', params),
        async (request, reply) => {
          await ready(await modelOf(ctx, request), request.params.version)
          return reply.send()
        },
      )

      app.get<{ Params: Params }>(path, describe('Inputs and outputs of the model', params), async (request) => {
        const endpoint = await modelOf(ctx, request)
        const version = await currentVersion(ctx, endpoint)
        checkVersion(endpoint, request.params.version, version.version)
        const { runtime } = await servingState(ctx, endpoint)
        return {
          name: endpoint.name,
          versions: [String(version.version)],
          platform: runtime === 'onnx' ? 'onnxruntime_onnx' : 'mlflow_pyfunc',
          inputs: describeInputs(inputSignature(version)),
          outputs: describeOutputs(outputType(version), (await classLabels(ctx, version))?.length ?? null),
        }
      })

      app.post<{ Params: Params; Body: Buffer | undefined }>(
        `${path}/infer`,
        describe('Predict', params),
        async (request, reply) => {
          const endpoint = await modelOf(ctx, request)
          const { message, binary } = readInfer(request)
          const answer = await predictOnEndpoint(ctx, endpoint, {
            rows: (signature, version) => {
              checkVersion(endpoint, request.params.version, version.version)
              return inferRows(message.inputs, binary, signature)
            },
            requestId: request.id,
          })
          describeAnswer(reply, answer)
          const outputs = chosen(outputTensors(answer.predictions, outputType(answer.version)), message)
          const head = {
            model_name: endpoint.name,
            model_version: String(answer.version.version),
            ...(typeof message.id === 'string' ? { id: message.id } : {}),
          }
          return sendInfer(reply, head, outputs)
        },
      )
    }
  }
}

async function modelOf(ctx: Context, request: FastifyRequest<{ Params: Params }>): Promise<Endpoint> {
  const endpoint = await findEndpoint(ctx, scopeOf(request).project.id, request.params.endpoint)
  if (request.params.model !== endpoint.name)
    throw notFound(`Model ${request.params.model.slice(0, 100)} not found; the one here is ${endpoint.name}.`)
  return endpoint
}

function checkVersion(endpoint: Endpoint, asked: string | undefined, answering: number): void {
  if (asked !== undefined && asked !== String(answering))
    throw notFound(`Model ${endpoint.name} version ${asked.slice(0, 100)} not found; version ${answering} answers.`)
}

/** The JSON of an infer request, and the binary tensors behind it when the header says how long the JSON is. */
function readInfer(request: FastifyRequest<{ Body: Buffer | undefined }>): { message: Infer; binary: Buffer } {
  const body = request.body ?? Buffer.alloc(0)
  const kind = (request.headers['content-type'] ?? '').split(';')[0]!.trim().toLowerCase()
  const said = request.headers[JSON_LENGTH]
  const length = said === undefined ? body.length : Number(said)
  if (kind !== 'application/json' && !(kind === 'application/octet-stream' && said !== undefined)) {
    throw new AppError(
      'unsupported_media_type',
      'Send application/json, or application/octet-stream with Inference-Header-Content-Length for binary tensors.',
    )
  }
  if (!Number.isInteger(length) || length < 0 || length > body.length)
    throw badRequest(
      `Inference-Header-Content-Length must be a length of at most the body's ${body.length} bytes.`,
      JSON_LENGTH,
    )
  let message: unknown
  try {
    message = parseForeignJson(body.subarray(0, length))
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    throw badRequest('The request is not valid JSON.')
  }
  if (typeof message !== 'object' || message === null || Array.isArray(message))
    throw badRequest('The request must be a JSON object.')
  return { message: message as Infer, binary: body.subarray(length) }
}

type Chosen = { tensor: WireTensor; binary: boolean }

/** The outputs the request asks for (all by default), and whether each goes out as bytes. */
function chosen(tensors: WireTensor[], message: Infer): Chosen[] {
  const all = message.parameters?.binary_data_output === true
  if (message.outputs === undefined) return tensors.map((tensor) => ({ tensor, binary: all }))
  if (!Array.isArray(message.outputs)) throw badRequest('outputs must be a list.', 'outputs')
  return message.outputs.map((output: { name?: unknown; parameters?: { binary_data?: unknown } } | null, i) => {
    const tensor = tensors.find(({ name }) => name === output?.name)
    if (tensor === undefined)
      throw badRequest(
        `outputs[${i}].name is none of ${tensors.map(({ name }) => name).join(', ')}.`,
        `outputs[${i}].name`,
      )
    return { tensor, binary: (output?.parameters?.binary_data ?? all) === true }
  })
}

function sendInfer(reply: FastifyReply, head: Record<string, unknown>, outputs: Chosen[]) {
  const raw: Buffer[] = []
  const described = outputs.map(({ tensor: { data, ...rest }, binary }) => {
    if (!binary) return { ...rest, data }
    const bytes = writeBinary(data, rest.datatype)
    raw.push(bytes)
    return { ...rest, parameters: { binary_data_size: bytes.length } }
  })
  const message = { ...head, outputs: described }
  if (raw.length === 0) return reply.type('application/json; charset=utf-8').send(JSON.stringify(message))
  const json = Buffer.from(JSON.stringify(message), 'utf8')
  return reply
    .header(JSON_LENGTH, String(json.length))
    .type('application/octet-stream')
    .send(Buffer.concat([json, ...raw]))
}
