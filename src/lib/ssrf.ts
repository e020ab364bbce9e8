import { lookup } from 'node:dns/promises'
import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { BlockList, isIP, type LookupFunction } from 'node:net'

/**
 * Requests to addresses that users chose, made so that they reach nothing inside (contracts/security.md A3): `https` and
 * public addresses only, the name resolved once and the connection made to the address that was checked, no redirect
 * followed, no proxy, no cookies, bounded in time and size. Hosts that an administrator listed are excepted.
 */
export type OutboundPolicy = {
  /** `host` or `host:port`, as written in the URL: these may be private and may speak plain http. */
  allowedHosts: readonly string[]
  /** Finds the addresses of a name; the system's resolver unless a test brings its own. */
  resolve?: (hostname: string) => Promise<string[]>
}

export type OutboundAnswer = {
  status: number
  /** The `Location` of a redirect and `Retry-After` are what callers look at. */
  headers: Readonly<Record<string, string | string[] | undefined>>
  /** At most `maxAnswerBytes` of it. */
  body: string
}

/** The URL, or the address that its name stands for, is none that users may make the server call. */
export class RefusedUrl extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'RefusedUrl'
  }
}

/** Nobody could be asked what the name's addresses are, or there are none. */
export class UnresolvedHost extends Error {
  /** The resolver said that there is no such name, rather than nothing. */
  readonly isUnknown: boolean

  constructor(hostname: string, isUnknown: boolean) {
    super(
      isUnknown
        ? `The host ${hostname} does not exist.`
        : `The host ${hostname} could not be looked up: the resolver gives no answer.`,
    )
    this.name = 'UnresolvedHost'
    this.isUnknown = isUnknown
  }
}

/** Special-purpose networks of the IANA registries: nothing there is a public service. */
const PRIVATE = new BlockList()
for (const network of [
  '0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24 192.31.196.0/24',
  '192.52.193.0/24 192.88.99.0/24 192.168.0.0/16 192.175.48.0/24 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24',
  '224.0.0.0/4 240.0.0.0/4',
].flatMap((line) => line.split(' '))) {
  const [address = '', bits] = network.split('/')
  PRIVATE.addSubnet(address, Number(bits), 'ipv4')
}

/** Only global unicast is public in IPv6; of it, what is reserved or wraps an IPv4 address is not taken either. */
const GLOBAL_V6 = new BlockList()
GLOBAL_V6.addSubnet('2000::', 3, 'ipv6')
const RESERVED_V6 = new BlockList()
for (const network of '2001::/23 2001:db8::/32 2002::/16 3fff::/20 2620:4f:8000::/48'.split(' ')) {
  const [address = '', bits] = network.split('/')
  RESERVED_V6.addSubnet(address, Number(bits), 'ipv6')
}

/**
 * Whether an IP address is one of the public Internet. Loopback, private, link-local (cloud metadata), CGNAT, unique-local,
 * multicast, documentation and reserved ones are not, nor is any IPv6 form that carries an IPv4 address inside
 * (IPv4-mapped, 6to4, Teredo, NAT64).
 */
export function isPublicAddress(address: string): boolean {
  const family = isIP(address)
  if (family === 4) return !PRIVATE.check(address, 'ipv4')
  if (family === 6) {
    const bare = address.split('%')[0] ?? ''
    return GLOBAL_V6.check(bare, 'ipv6') && !RESERVED_V6.check(bare, 'ipv6')
  }
  return false
}

// Parsers drop or encode them, each in its own way: what is kept must be what is called.
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are exactly what is refused here
const SPACE = /[\u0000-\u0020\u007f]/

/** The host of a URL as one writes it in a resolver: IPv6 without brackets, no final dot. */
function hostOf(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '')
}

function isListed(url: URL, policy: OutboundPolicy): boolean {
  const host = url.hostname.replace(/\.$/, '')
  const port = url.port === '' ? (url.protocol === 'https:' ? '443' : '80') : url.port
  return policy.allowedHosts.some((listed) => {
    const wanted = listed.toLowerCase()
    return wanted === host || wanted === hostOf(url) || wanted === `${host}:${port}`
  })
}

/**
 * Checks what a URL says, without asking any resolver.
 * @throws RefusedUrl naming what is wrong with it
 */
export function parseOutboundUrl(text: string, policy: OutboundPolicy): URL {
  if (text.length > 2_000) throw new RefusedUrl('The URL may have at most 2000 characters.')
  if (SPACE.test(text)) throw new RefusedUrl('The URL must not hold spaces or control characters.')
  if (!URL.canParse(text)) throw new RefusedUrl(`"${text.slice(0, 200)}" is not a URL.`)
  const url = new URL(text)
  if (url.username !== '' || url.password !== '') throw new RefusedUrl('The URL must not hold a user name or password.')
  const listed = isListed(url, policy)
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && listed)) {
    throw new RefusedUrl(
      `The URL must begin with https://, not ${url.protocol.slice(0, 20)}// (plain http only for hosts that the administrator allowed).`,
    )
  }
  if (url.hostname === '') throw new RefusedUrl('The URL must name a host.')
  if (!listed && isIP(hostOf(url)) !== 0 && !isPublicAddress(hostOf(url))) throw notPublic(url, hostOf(url))
  return url
}

function notPublic(url: URL, address: string): RefusedUrl {
  const what = address === hostOf(url) ? address : `${hostOf(url)} (${address})`
  return new RefusedUrl(
    `${what} is not a public address; this server calls private ones only when the administrator allowed the host.`,
  )
}

async function systemResolve(hostname: string): Promise<string[]> {
  return (await lookup(hostname, { all: true, verbatim: true })).map((found) => found.address)
}

/**
 * The addresses behind a URL, each checked: one private among them refuses them all.
 * @throws RefusedUrl, UnresolvedHost
 */
export async function resolveOutbound(url: URL, policy: OutboundPolicy): Promise<string[]> {
  const host = hostOf(url)
  if (isIP(host) !== 0) return [host]
  let addresses: string[]
  try {
    addresses = await (policy.resolve ?? systemResolve)(host)
  } catch (error) {
    throw new UnresolvedHost(host, (error as { code?: string }).code === 'ENOTFOUND')
  }
  if (addresses.length === 0) throw new UnresolvedHost(host, true)
  if (!isListed(url, policy)) {
    const inside = addresses.find((address) => !isPublicAddress(address))
    if (inside !== undefined) throw notPublic(url, inside)
  }
  return addresses
}

export type OutboundRequest = {
  headers: Record<string, string>
  body: string
  /** For everything together: look-up, connection, answer. */
  timeoutMs: number
  maxAnswerBytes: number
  /** Whoever waits gives up. */
  signal?: AbortSignal | undefined
}

/**
 * POSTs to a URL that a user chose. A redirect is an answer like any other and is not followed.
 * @throws RefusedUrl, UnresolvedHost, or an Error of the connection (refused, reset, TLS, timed out)
 */
export async function postOutbound(
  text: string,
  policy: OutboundPolicy,
  input: OutboundRequest,
): Promise<OutboundAnswer> {
  const url = parseOutboundUrl(text, policy)
  const timeout = AbortSignal.timeout(input.timeoutMs)
  const signal = input.signal === undefined ? timeout : AbortSignal.any([timeout, input.signal])
  try {
    const addresses = await withSignal(resolveOutbound(url, policy), signal)
    return await send(url, addresses, input, signal)
  } catch (error) {
    if (timeout.aborted) throw new Error(`No answer within ${input.timeoutMs / 1000} seconds.`, { cause: error })
    throw error
  }
}

function withSignal<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted()
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
    work.then(resolve, reject)
  })
}

/** Connects to one of the checked addresses, whatever the name stands for by now; TLS still checks the name. */
function pinned(addresses: readonly string[]): LookupFunction {
  const found = addresses.map((address) => ({ address, family: isIP(address) }))
  return (_hostname, options, callback) => {
    const first = found[0]!
    if (options.all === true) callback(null, found)
    else callback(null, first.address, first.family)
  }
}

function send(
  url: URL,
  addresses: readonly string[],
  input: OutboundRequest,
  signal: AbortSignal,
): Promise<OutboundAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<OutboundAnswer>()
  const make = url.protocol === 'https:' ? httpsRequest : httpRequest
  const request = make(
    url,
    {
      method: 'POST',
      agent: false,
      lookup: pinned(addresses),
      signal,
      headers: { ...input.headers, 'content-length': String(Buffer.byteLength(input.body)), connection: 'close' },
    },
    (answer) => {
      const parts: Buffer[] = []
      let length = 0
      const finish = () => {
        const body = Buffer.concat(parts).subarray(0, input.maxAnswerBytes).toString('utf8')
        resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body })
        answer.destroy()
      }
      answer.on('data', (part: Buffer) => {
        parts.push(part)
        length += part.length
        if (length >= input.maxAnswerBytes) finish()
      })
      answer.on('end', finish)
      answer.on('error', reject)
    },
  )
  request.on('error', reject)
  request.end(input.body)
  return promise
}
