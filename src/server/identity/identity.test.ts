import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestServer, type TestAnswer, type TestServer } from '../../../tests/harness/server.ts'
import { LOCAL } from '../../lib/actor.ts'
import { addUser, setPassword } from './identity.service.ts'
import { hashPassword } from './passwords.ts'
import { createLoginThrottle } from './throttle.ts'

const PASSWORD = 'correct horse battery'

describe('a session', () => {
  let server: TestServer
  beforeAll(async () => {
    // A proxy on this machine says how the browser came.
    server = await startTestServer({ publicUrl: 'https://ml.example' })
    await addUser(server.ctx, LOCAL, { name: 'ada', password: PASSWORD, isAdmin: true })
  })
  afterAll(() => server.close())

  const proxied = (proto: string, cookie?: string) => ({
    'x-forwarded-proto': proto,
    'x-forwarded-host': 'ml.example',
    ...(cookie === undefined ? {} : { cookie }),
  })
  const signIn = async (proto: string, cookie?: string) => {
    const answer = await server.request('POST', '/api/v1/session', {
      body: { name: 'ada', password: PASSWORD },
      headers: proxied(proto, cookie),
    })
    expect(answer.status, answer.text).toBe(200)
    const set = answer.headers.getSetCookie()[0] ?? ''
    return { set, cookie: set.split(';')[0] ?? '' }
  }
  const who = async (proto: string, cookie: string) =>
    (await server.request('GET', '/api/v1/me', { headers: proxied(proto, cookie) })).body.name

  it('over https is in a cookie that only this host can set', async () => {
    const { set, cookie } = await signIn('https')
    expect(set).toMatch(/^__Host-trainyard_session=[^;]+;/)
    for (const flag of ['HttpOnly', 'Secure', 'SameSite=Lax', 'Path=/']) expect(set).toContain(flag)
    expect(await who('https', cookie)).toBe('ada')
    expect(await who('https', cookie.replace('__Host-', ''))).toBe('anonymous')
    const plain = await signIn('http')
    expect(plain.set).toMatch(/^trainyard_session=[^;]+;/)
    expect(plain.set).not.toContain('Secure')
  })

  it('is another after each sign-in, and gone after sign-out and a new password', async () => {
    const first = await signIn('https')
    const second = await signIn('https', first.cookie)
    expect(second.cookie).not.toBe(first.cookie)
    expect([await who('https', first.cookie), await who('https', second.cookie)]).toEqual(['anonymous', 'ada'])
    await server.request('DELETE', '/api/v1/session', { headers: proxied('https', second.cookie) })
    expect(await who('https', second.cookie)).toBe('anonymous')
    const third = await signIn('https')
    await setPassword(server.ctx, LOCAL, 'ada', `${PASSWORD} staple`)
    expect(await who('https', third.cookie)).toBe('anonymous')
    await setPassword(server.ctx, LOCAL, 'ada', PASSWORD)
  })

  it('opens no client door: a page could use it there', async () => {
    const { cookie } = await signIn('https')
    const path = '/api/2.0/mlflow/experiments/get?experiment_id=0'
    expect((await server.request('GET', path, { headers: proxied('https', cookie) })).status).toBe(401)
  })
})

describe('a password', () => {
  let server: TestServer
  beforeAll(async () => {
    server = await startTestServer()
    for (const name of ['ada', 'bob']) await addUser(server.ctx, LOCAL, { name, password: PASSWORD, isAdmin: true })
  })
  afterAll(() => server.close())

  const basic = (name: string, password: string): Promise<TestAnswer> =>
    server.request('GET', '/api/v1/tokens', {
      headers: { authorization: `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}` },
    })

  it('sent with every request is checked once, and no longer right after it was changed', async () => {
    const together = await Promise.all(Array.from({ length: 20 }, () => basic('bob', PASSWORD)))
    expect(together.map((answer) => answer.status)).toEqual(together.map(() => 200))
    // What half as many checks take on this machine, as busy as it is.
    const started = performance.now()
    for (let i = 0; i < 5; i++) await hashPassword(PASSWORD)
    const hashed = performance.now()
    for (let i = 0; i < 10; i++) expect((await basic('bob', PASSWORD)).status).toBe(200)
    expect(performance.now() - hashed).toBeLessThan(hashed - started)
    await setPassword(server.ctx, LOCAL, 'bob', `${PASSWORD} staple`)
    expect((await basic('bob', PASSWORD)).status).toBe(401)
    expect((await basic('bob', `${PASSWORD} staple`)).status).toBe(200)
  })

  it('cannot be guessed through Authorization, not even all at once', async () => {
    const guesses = await Promise.all(Array.from({ length: 14 }, (_, i) => basic('ada', `wrong-${i}`)))
    const said = guesses.map((answer) => answer.status).sort()
    expect(said).toEqual([...Array<number>(10).fill(401), ...Array<number>(4).fill(429)])
    // Neither there nor at the sign-in, and the answer says when to come back.
    const right = await basic('ada', PASSWORD)
    expect([right.status, Number(right.headers.get('retry-after')) > 0]).toEqual([429, true])
    const session = await server.request('POST', '/api/v1/session', { body: { name: 'ada', password: PASSWORD } })
    expect(session.status).toBe(429)
    expect((await basic('bob', `${PASSWORD} staple`)).status).toBe(200)
  })

  it('of a name that nobody can have is just wrong', async () => {
    for (const name of ['a\0b', 'é'.repeat(200), "' OR 1=1 --"])
      expect((await basic(name, 'whatever')).status).toBe(401)
  })
})

describe('the throttle', () => {
  it('forgets after a while, counts a whole IPv6 network as one and many names of one address together', () => {
    let now = 0
    const throttle = createLoginThrottle(() => now)
    for (let i = 0; i < 10; i++) throttle.begin('ada', `2001:db8::${i}`)
    expect(() => throttle.begin('ada', '2001:db8:0:0:ffff::1')).toThrow('Too many')
    throttle.begin('ada', '2001:db8:0:1::1')
    now += 15 * 60_000
    throttle.begin('ada', '2001:db8::1').right()
    for (let i = 0; i < 100; i++) throttle.begin(`name-${i}`, '10.0.0.1')
    expect(() => throttle.begin('name-x', '10.0.0.1')).toThrow('Too many')
  })

  it('gives back an attempt that was right or was not judged', () => {
    const throttle = createLoginThrottle(() => 0)
    for (let i = 0; i < 300; i++) throttle.begin('ada', '10.0.0.1')[i % 2 === 0 ? 'right' : 'undecided']()
  })
})
