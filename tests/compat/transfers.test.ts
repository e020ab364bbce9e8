import { afterAll, beforeAll } from 'vitest'
import { testPython } from '../harness/python.ts'
import { startTestServer, type TestServer } from '../harness/server.ts'
import { transferCases } from '../harness/transfers.ts'

let python: string
let server: TestServer
beforeAll(async () => {
  python = await testPython()
  server = await startTestServer({ jobSlots: '0' })
})
afterAll(() => server.close())

transferCases('folder', {
  python: () => python,
  server: () => server,
  bytesHost: (own) => own,
  how: 'offered',
  checksSignatures: true,
})
