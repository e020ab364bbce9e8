import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { isPublicAddress, parseOutboundUrl, postOutbound, RefusedUrl, resolveOutbound, UnresolvedHost } from './ssrf.ts'

const nobody = { allowedHosts: [] }
const INPUT = { headers: {}, body: 'x', timeoutMs: 5_000, maxAnswerBytes: 1_000 }

describe('ssrf-webhook: addresses inside', () => {
  const inside = {
    loopback: ['127.0.0.1', '127.255.255.254', '::1', '0.0.0.0', '::'],
    private: ['10.0.0.1', '172.16.0.1', '172.31.255.255', '192.168.1.1'],
    'link-local and metadata': ['169.254.169.254', 'fe80::1', 'fe80::1%eth0'],
    'unique local': ['fc00::1', 'fd00:ec2::254'],
    'carrier-grade NAT': ['100.64.0.1', '100.127.255.255'],
    'an IPv4 address inside IPv6': [
      '::ffff:127.0.0.1',
      '::ffff:8.8.8.8',
      '::ffff:a9fe:a9fe',
      '2002:7f00:1::',
      '64:ff9b::7f00:1',
      '64:ff9b:1::1',
      '2001:0:1::1',
      '::7f00:1',
    ],
    'multicast, documentation and reserved': ['224.0.0.1', '255.255.255.255', '192.0.2.1', '2001:db8::1', 'ff02::1'],
    nonsense: ['', 'localhost', '1.2.3', '1.2.3.4.5'],
  }
  test.each(Object.entries(inside))('%s are not public', (_what, addresses) => {
    expect(addresses.filter(isPublicAddress)).toEqual([])
  })

  test('public ones are', () => {
    const outside = ['8.8.8.8', '1.1.1.1', '172.32.0.1', '100.128.0.1', '2606:4700:4700::1111', '2a00:1450::1']
    expect(outside.filter((address) => !isPublicAddress(address))).toEqual([])
  })
})

describe('ssrf-webhook: what a URL may say', () => {
  test.each([
    'http://hooks.example.com/x',
    'ftp://hooks.example.com/x',
    'file:///etc/passwd',
    'gopher://hooks.example.com/',
    'https://user:password@hooks.example.com/',
    'https://',
    'no url',
    'https://hooks.example.com/a b',
    'https://hooks.example.com/\0',
    'https://hooks\n.example.com/',
    ' https://hooks.example.com/',
    'https://127.0.0.1/',
    'https://2130706433/',
    'https://0x7f.1/',
    'https://0177.0.0.1/',
    'https://127.1/',
    'https://①②⑦.0.0.1/',
    'https://[::1]/',
    'https://[::ffff:169.254.169.254]/',
    `https://example.com/${'x'.repeat(2_000)}`,
  ])('%s is refused', (text) => {
    expect(() => parseOutboundUrl(text, nobody)).toThrow(RefusedUrl)
  })

  test('a listed host may be private and plain, on its port only if one is named', () => {
    const policy = { allowedHosts: ['127.0.0.1:8080', 'hooks.internal', '::1'] }
    for (const text of [
      'http://127.0.0.1:8080/x',
      'http://hooks.internal:99/',
      'https://hooks.internal./',
      'http://[::1]:5/',
    ])
      expect(parseOutboundUrl(text, policy).href).toMatch(/^http/)
    for (const text of ['http://127.0.0.1:8081/x', 'https://127.0.0.1/', 'http://x.hooks.internal/'])
      expect(() => parseOutboundUrl(text, policy)).toThrow(RefusedUrl)
  })

  test('a name is refused when one of its addresses is inside, and when it has none', async () => {
    const url = new URL('https://hooks.example.com/')
    const at = (...addresses: string[]) => ({ allowedHosts: [], resolve: async () => addresses })
    await expect(resolveOutbound(url, at('8.8.8.8', '10.0.0.1'))).rejects.toThrow(/10\.0\.0\.1/)
    await expect(resolveOutbound(url, at())).rejects.toThrow(UnresolvedHost)
    expect(await resolveOutbound(url, at('8.8.8.8'))).toEqual(['8.8.8.8'])
    const lost = Object.assign(new Error('x'), { code: 'EAI_AGAIN' })
    const error = await resolveOutbound(url, { allowedHosts: [], resolve: () => Promise.reject(lost) }).catch((e) => e)
    expect([error instanceof UnresolvedHost, error.isUnknown]).toEqual([true, false])
  })
})

describe('ssrf-webhook: requests', () => {
  let receiver: Server
  let port: number
  let seen: string[]
  beforeAll(async () => {
    receiver = createServer((request, answer) => {
      seen.push(`${request.method} ${request.headers.host}${request.url}`)
      if (request.url === '/redirect') answer.writeHead(302, { location: `http://127.0.0.1:${port}/inside` }).end()
      else if (request.url === '/large') answer.end('x'.repeat(5_000_000))
      else if (request.url !== '/hang') answer.end('fine')
    })
    await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve))
    port = (receiver.address() as AddressInfo).port
  })
  afterAll(() => void receiver.close())

  const allowed = () => ({ allowedHosts: [`127.0.0.1:${port}`, 'hooks.example.com'] })

  test('a changed DNS answer does not move the connection: the name is asked once, and its checked address is used', async () => {
    seen = []
    const answers = [['127.0.0.1'], ['127.0.0.2']]
    let asked = 0
    const policy = { ...allowed(), resolve: async () => answers[asked++] ?? [] }
    const answer = await postOutbound(`http://hooks.example.com:${port}/x`, policy, INPUT)
    expect([answer.status, answer.body, asked]).toEqual([200, 'fine', 1])
    expect(seen).toEqual([`POST hooks.example.com:${port}/x`])
  })

  test('a name that was public and is private by now is refused, and nobody is called', async () => {
    seen = []
    let asked = 0
    const policy = { allowedHosts: [], resolve: async () => (asked++ === 0 ? ['8.8.8.8'] : ['127.0.0.1']) }
    const text = `https://rebound.example.com:${port}/x`
    expect(await resolveOutbound(parseOutboundUrl(text, policy), policy)).toEqual(['8.8.8.8'])
    await expect(postOutbound(text, policy, INPUT)).rejects.toThrow(RefusedUrl)
    expect(seen).toEqual([])
  })

  test('a redirect is an answer and is not followed', async () => {
    seen = []
    const answer = await postOutbound(`http://127.0.0.1:${port}/redirect`, allowed(), INPUT)
    expect([answer.status, seen.length]).toEqual([302, 1])
  })

  test('answers are cut, and those that do not come are not waited for', async () => {
    seen = []
    const large = await postOutbound(`http://127.0.0.1:${port}/large`, allowed(), INPUT)
    expect(large.body).toBe('x'.repeat(1_000))
    const hang = postOutbound(`http://127.0.0.1:${port}/hang`, allowed(), { ...INPUT, timeoutMs: 50 })
    await expect(hang).rejects.toThrow('No answer within 0.05 seconds.')
    const slow = { ...allowed(), resolve: () => new Promise<string[]>(() => {}) }
    const unresolved = postOutbound('http://hooks.example.com/', slow, { ...INPUT, timeoutMs: 50 })
    await expect(unresolved).rejects.toThrow('No answer within')
    receiver.closeAllConnections()
  })
})
