import { describe, expect, it } from 'vitest'
import { parseCommand, renderCommand, usedParameters } from './command.ts'
import { parseMlproject, resolveParameters } from './mlproject.ts'

const none = { hasDataset: false, hasFile: () => false }

describe('commands', () => {
  it('keeps every value inside one argument, whatever it holds', () => {
    const template = parseCommand(`python train.py --name {name} --pair "a {name} b" --lit '{{x}}' --empty ""`)
    const hostile = `; touch /tmp/x $(id) "q" 'r' \n\t--flag`
    expect(renderCommand(template, { name: hostile })).toEqual([
      'python',
      'train.py',
      '--name',
      hostile,
      '--pair',
      `a ${hostile} b`,
      '--lit',
      '{x}',
      '--empty',
      '',
    ])
    expect(renderCommand(parseCommand('x {a}{b}c'), { a: '{b}', b: '1' })).toEqual(['x', '{b}1c'])
    expect(renderCommand(parseCommand('x {a}'), { a: '' })).toEqual(['x', ''])
    expect(usedParameters(template)).toEqual(['name', 'name'])
  })

  it('refuses what would need a shell, and what is unbalanced', () => {
    for (const bad of [
      'a && b',
      'a | b',
      'a > f',
      'echo $HOME',
      'echo "`id`"',
      'a; b',
      'a "b',
      'a {b',
      'a } b',
      'a {b c}',
      '  ',
    ]) {
      expect(() => parseCommand(bad), bad).toThrow()
    }
    expect(renderCommand(parseCommand(`python -c 'print(1); x = {{"a": 1}} > {{}}'`), {})).toEqual([
      'python',
      '-c',
      'print(1); x = {"a": 1} > {}',
    ])
    expect(renderCommand(parseCommand('a b\\ c \\"d'), {})).toEqual(['a', 'b c', '"d'])
  })
})

describe('MLproject', () => {
  const text = `
name: demo
python_env: python_env.yaml
entry_points:
  main:
    parameters:
      data: path
      rate: {type: float, default: 0.1}
      n: {type: int, default: 3}
      who: {default: ""}
    command: python train.py {data} {rate} {n} {who}
`
  const main = parseMlproject(text).entryPoints.get('main')!

  it('fills defaults and keeps types', () => {
    expect(resolveParameters(main, { rate: '1e-3', data: '/abs' }, none)).toEqual({
      data: '/abs',
      rate: 0.001,
      n: 3,
      who: '',
    })
    expect(resolveParameters(main, {}, { ...none, hasDataset: true })).toEqual({ rate: 0.1, n: 3, who: '' })
  })

  it('names the parameter at fault', () => {
    const field = (given: Record<string, string | number>) => {
      try {
        resolveParameters(main, given, none)
      } catch (error) {
        return (error as { field?: string }).field
      }
      return 'no error'
    }
    expect(field({})).toBe('parameters.data')
    expect(field({ data: '/x', rate: 'fast' })).toBe('parameters.rate')
    expect(field({ data: '/x', n: '1.5' })).toBe('parameters.n')
    expect(field({ data: '/x', colour: 'red' })).toBe('parameters.colour')
    expect(field({ data: 'not-there.csv' })).toBe('parameters.data')
    expect(field({ data: '/x', who: 'a\0b' })).toBe('parameters.who')
    expect(field({ data: '/x', who: 'fine' })).toBe('no error')
  })

  it('says what is wrong in the file', () => {
    expect(() => parseMlproject('entry_points: {main: {command: [1]}}')).toThrow(/command must be a text/)
    expect(() => parseMlproject('name: [')).toThrow(/not valid YAML/)
    expect(() => parseMlproject('conda_env: conda.yaml\nentry_points: {main: {command: x}}')).toThrow(/conda_env/)
    expect(() => parseMlproject('name: x')).toThrow(/no entry_points/)
  })
})
