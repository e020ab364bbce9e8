import { AppError } from './errors.ts'

/**
 * Lets `atOnce` pieces of work run at a time; up to `waiting` more wait in line, and what comes then is refused.
 * @returns runs `work` when it is its turn. @throws AppError unavailable saying `refusal`
 */
export function createGate(atOnce: number, waiting: number, refusal: string) {
  let running = 0
  const line: (() => void)[] = []
  return async <T>(work: () => Promise<T>): Promise<T> => {
    if (running >= atOnce) {
      if (line.length >= waiting) throw new AppError('unavailable', refusal, { retryAfterSeconds: 2 })
      await new Promise<void>((resolve) => line.push(resolve))
    } else running += 1
    try {
      return await work()
    } finally {
      const next = line.shift()
      if (next === undefined) running -= 1
      else next()
    }
  }
}
