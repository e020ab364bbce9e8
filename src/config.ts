import { isAbsolute, join } from 'node:path'
import { IS_CHECKOUT, PACKAGE_ROOT } from './lib/package-root.ts'
import {
  basePath,
  choice,
  flag,
  folder,
  integer,
  list,
  publicUrl,
  s3Prefix,
  secretKey,
  text,
} from './lib/setting-values.ts'

/** One setting: its flag is `--<key with dashes>`, its variable `TRAINYARD_<KEY>`. The flag wins. */
type Setting<T> = { default: string; parse: (text: string, name: string) => T; doc: string }

/** Every setting of the program. docs/configuration.md is generated from this table. */
export const SETTINGS = {
  host: {
    default: '127.0.0.1',
    parse: text,
    doc: 'Address to listen on. Anything but loopback needs an admin account (or `insecure`).',
  },
  port: { default: '5000', parse: integer(0, 65_535), doc: 'Port to listen on; 0 takes a free one.' },
  data: {
    default: './trainyard-data',
    parse: folder,
    doc: 'Folder for the embedded database, files, environments and job folders.',
  },
  databaseUrl: {
    default: '',
    parse: text,
    doc: 'PostgreSQL (`postgres://…`) instead of the embedded SQLite file in `data`.',
  },
  basePath: { default: '', parse: basePath, doc: 'Path below which a proxy shows the server, e.g. `/mlops`.' },
  publicUrl: {
    default: '',
    parse: publicUrl,
    doc: 'How users reach the server (`https://portal.example/mlops`), for links in answers; otherwise taken from the request.',
  },
  allowedHosts: {
    default: '',
    parse: list,
    doc: 'Further Host names that are accepted, comma-separated (loopback, `host` and `public-url` always are; `*` accepts all).',
  },
  insecure: {
    default: 'false',
    parse: flag,
    doc: 'Serve on a non-loopback address although no admin account exists: everybody who can connect may do everything.',
  },
  logLevel: {
    default: 'info',
    parse: choice('debug', 'info', 'warn', 'error', 'silent'),
    doc: 'Least level of log lines.',
  },
  tools: {
    default: IS_CHECKOUT ? join(PACKAGE_ROOT, '.tools') : '',
    parse: (value: string) => (value === '' ? '' : folder(value)),
    doc: 'Folder for tools the platform installs for itself (uv); default `.tools` of a checkout, else `<data>/tools`.',
  },
  python: {
    default: 'python3',
    parse: text,
    doc: 'Python interpreter (3.10 or newer) that environments are made from.',
  },
  jobSlots: {
    default: '2',
    parse: integer(0, 64),
    doc: 'Jobs that run at once on this machine; 0 leaves the queue to other servers on the same database.',
  },
  jobTimeoutMs: {
    default: String(24 * 3600_000),
    parse: integer(1_000, 30 * 24 * 3600_000),
    doc: 'Longest run of a job that sets no limit of its own, in milliseconds.',
  },
  bodyLimitBytes: {
    default: String(16 * 1024 * 1024),
    parse: integer(1024, 1024 ** 3),
    doc: 'Largest JSON body, in bytes. Files are streamed and have their own limit.',
  },
  uploadLimitBytes: {
    default: String(64 * 1024 ** 3),
    parse: integer(1024, 2 ** 50),
    doc: 'Largest single file, in bytes.',
  },
  presignedTransfers: {
    default: 'true',
    parse: flag,
    doc: 'Offer MLflow clients uploads in parts and presigned links: to the bucket itself, or signed by this server. Behind a proxy that changes the Host header, set `public-url` or turn this off.',
  },
  s3Bucket: {
    default: '',
    parse: text,
    doc: 'Bucket for all files (datasets, artifacts, code) instead of the `blobs` folder in `data`. Its layout is that of the folder, so one can be copied to the other.',
  },
  s3Prefix: { default: '', parse: s3Prefix, doc: 'Path in the bucket below which everything lies, e.g. `trainyard/`.' },
  s3Endpoint: {
    default: '',
    parse: publicUrl,
    doc: 'S3 service that is not Amazon, e.g. `http://minio:9000`; then addresses hold the bucket in their path.',
  },
  s3PublicEndpoint: {
    default: '',
    parse: publicUrl,
    doc: 'The same service as clients reach it, for presigned links; default `s3-endpoint`.',
  },
  s3Region: { default: '', parse: text, doc: "Region of the bucket; default that of the SDK's chain, else us-east-1." },
  s3PathStyle: {
    default: '',
    parse: (value: string, name: string) => (value === '' ? null : flag(value, name)),
    doc: 'Bucket in the path instead of the host name; default true with an `s3-endpoint`, else false.',
  },
  s3AccessKeyId: {
    default: '',
    parse: text,
    doc: "Key for the bucket; default the SDK's chain (AWS variables, profile, instance role).",
  },
  s3SecretAccessKey: {
    default: '',
    parse: text,
    doc: 'Secret of that key. Set it by its variable: flags are seen by all.',
  },
  blobCacheBytes: {
    default: String(20 * 1024 ** 3),
    parse: integer(0, 2 ** 50),
    doc: 'With a bucket: disk for local copies of content that is read as a file (tables, models to serve), in bytes.',
  },
  webhookAllowedHosts: {
    default: '',
    parse: (value: string) => list(value).map((host) => host.toLowerCase()),
    doc: 'Hosts (`host` or `host:port`, comma-separated) that webhooks may call although their address is private, also by plain http. All others must be public and https.',
  },
  secretKey: {
    default: '',
    parse: secretKey,
    doc: "Key that encrypts webhooks' secrets in the database, 16 characters or more; set the same on all servers of one database, better as a variable than as a flag. Without it a key is made in `<data>/secret.key`.",
  },
  recycleBinDays: {
    default: '0',
    parse: integer(0, 36_500),
    doc: 'Days after which what lies in a recycle bin is deleted for ever by itself; 0 keeps it until somebody does.',
  },
  reclaimEveryHours: {
    default: '0',
    parse: integer(0, 8_760),
    doc: 'Hours between sweeps for bytes that nothing uses; 0 leaves them to `trainyard reclaim`. What is deleted for ever is freed at once either way.',
  },
  runLostAfterMs: {
    default: String(24 * 3600_000),
    parse: integer(0, 365 * 24 * 3600_000),
    doc: 'Silence after which a run that is said to be running is shown as lost, in milliseconds, until it writes again; 0 never.',
  },
  modelMemory: { default: '8', parse: integer(1, 1000), doc: 'Models kept loaded for serving at once.' },
  allowCodeModels: {
    default: 'true',
    parse: flag,
    doc: 'Serve models that cannot be converted to ONNX by a Python child, which runs the code inside the model.',
  },
} satisfies Record<string, Setting<unknown>>

type Settings = { [K in keyof typeof SETTINGS]: ReturnType<(typeof SETTINGS)[K]['parse']> }
export type Config = Readonly<Settings>

/** `databaseUrl` → `TRAINYARD_DATABASE_URL`. */
export function envName(key: string): string {
  return `TRAINYARD_${key.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`
}

/** `databaseUrl` → `--database-url`. */
export function flagName(key: string): string {
  return `--${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`
}

/**
 * Reads the settings: flags first, then the environment, then the default. The only reader of our own variables.
 * @param flags values of command-line flags by key; undefined ones count as not given
 * @throws Error naming the flag or variable at fault
 */
export function readConfig(
  flags: Partial<Record<keyof Settings, string>> = {},
  env: NodeJS.ProcessEnv = process.env,
): Config {
  const values: Record<string, unknown> = {}
  for (const [key, setting] of Object.entries(SETTINGS) as [keyof Settings, Setting<unknown>][]) {
    const fromFlag = flags[key]
    const fromEnv = env[envName(key)]
    if (fromFlag !== undefined) values[key] = setting.parse(fromFlag, flagName(key))
    else if (fromEnv !== undefined && fromEnv !== '') values[key] = setting.parse(fromEnv, envName(key))
    else values[key] = setting.parse(setting.default, key)
  }
  const config = values as Settings
  if (config.tools === '') config.tools = join(config.data, 'tools')
  if (config.databaseUrl === '') config.databaseUrl = `sqlite:${join(config.data, 'trainyard.db')}`
  return config
}

/** Package indexes and proxies that the user set for pip and uv; environments are made with the same. */
export function packageIndexEnvironment(env: NodeJS.ProcessEnv = process.env): Record<string, string> {
  const passed: Record<string, string> = {}
  for (const [key, value] of Object.entries(env)) {
    if (value !== undefined && /^(UV_|PIP_|SSL_CERT_|REQUESTS_CA_BUNDLE$|(https?|no|all)_proxy$)/i.test(key))
      passed[key] = value
  }
  // uv reads neither pip's variables nor its find-links; without this a pip set-up for a mirror or a wheel folder is lost.
  if (passed.UV_FIND_LINKS === undefined && passed.PIP_FIND_LINKS !== undefined)
    passed.UV_FIND_LINKS = passed.PIP_FIND_LINKS.trim().split(/\s+/).join(',')
  if (passed.UV_INDEX_URL === undefined && passed.UV_DEFAULT_INDEX === undefined && passed.PIP_INDEX_URL !== undefined)
    passed.UV_DEFAULT_INDEX = passed.PIP_INDEX_URL
  return passed
}

/**
 * The few variables of ours that a child process needs to run at all. Everything else (database URLs, cloud keys, our own
 * settings) stays here: children start from this list, never from `process.env`.
 */
export function systemEnvironment(env: NodeJS.ProcessEnv = process.env): Record<string, string> {
  const passed: Record<string, string> = {
    PATH: env.PATH ?? '/usr/local/bin:/usr/bin:/bin',
    LANG: env.LANG ?? 'C.UTF-8',
  }
  for (const key of ['HOME', 'LC_ALL', 'TZ', 'TMPDIR']) {
    const value = env[key]
    if (value !== undefined) passed[key] = value
  }
  return passed
}

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host === '[::1]' || /^127(\.\d{1,3}){3}$/.test(host)
}

/** The folder of one kind of thing below `data`. */
export function dataFolder(config: Config, ...parts: string[]): string {
  const path = join(config.data, ...parts)
  if (!isAbsolute(path)) throw new Error(`data folder must be absolute: ${path}`)
  return path
}

/** Where the files lie. */
export function blobSettings(config: Config) {
  return {
    root: dataFolder(config, 'blobs'),
    bucket: config.s3Bucket,
    prefix: config.s3Prefix,
    endpoint: config.s3Endpoint,
    publicEndpoint: config.s3PublicEndpoint,
    region: config.s3Region,
    pathStyle: config.s3PathStyle,
    accessKeyId: config.s3AccessKeyId,
    secretAccessKey: config.s3SecretAccessKey,
    cacheBytes: config.blobCacheBytes,
  }
}

/** What the CLI needs to find its server: `TRAINYARD_URL`, `TRAINYARD_TOKEN`, `TRAINYARD_PROJECT`. */
export function readClientConfig(env: NodeJS.ProcessEnv = process.env): {
  url: string
  token: string | undefined
  project: string | undefined
} {
  return {
    url: env.TRAINYARD_URL || 'http://127.0.0.1:5000',
    token: env.TRAINYARD_TOKEN || undefined,
    project: env.TRAINYARD_PROJECT || undefined,
  }
}

/** Credentials for somebody else's MLflow server, from the variables that MLflow's own client reads. */
export function readMlflowCredentials(env: NodeJS.ProcessEnv = process.env): {
  username?: string
  password?: string
  token?: string
} {
  return {
    username: env.MLFLOW_TRACKING_USERNAME || undefined,
    password: env.MLFLOW_TRACKING_PASSWORD || undefined,
    token: env.MLFLOW_TRACKING_TOKEN || undefined,
  }
}
