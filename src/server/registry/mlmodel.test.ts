import { describe, expect, it } from 'vitest'
import { SKLEARN_MLMODEL } from '../../../tests/harness/registry.ts'
import { flavorOf, parseMlModel } from './mlmodel.ts'
import { conversionRequirements, packageName } from './requirements.ts'

describe('parseMlModel', () => {
  it('reads flavors, columns, tensors and size', () => {
    const model = parseMlModel(SKLEARN_MLMODEL)
    expect(model).toMatchObject({ flavors: ['python_function', 'sklearn'], sizeBytes: 1410801, problem: null })
    expect(model.signature).toEqual({
      inputs: [
        { name: 'age', type: 'long', required: true },
        { name: 'workclass', type: 'string', required: false },
      ],
      outputs: [{ name: null, type: 'tensor', required: true, shape: [-1, 2], dtype: 'float64' }],
    })
    expect(flavorOf(model, 'sklearn')?.sklearn_version).toBe('1.9.1')
    expect(flavorOf(model, 'toString')).toBeNull()
  })

  it('never throws, and says what is wrong with the file', () => {
    for (const text of [
      '',
      '- a',
      'a: [',
      'flavors: {}\nsignature:\n  inputs: "[{"',
      `a: &a [x]\nb: [${'*a,'.repeat(200)}]`,
    ]) {
      const model = parseMlModel(text)
      expect(model.flavors).toEqual([])
      expect(model.problem).toMatch(/cannot be read/)
    }
  })

  it('tells which models bring code', () => {
    const skops = (more: string) =>
      parseMlModel(`flavors:\n  sklearn:\n    serialization_format: skops\n${more}`).runsCode
    expect(skops('')).toBe(false)
    expect(skops('    skops_trusted_types: [sklearn.tree._tree.Tree]')).toBe(false)
    expect(skops('    skops_trusted_types: [sklearn.tree._tree.Tree, os.system]')).toBe(true)
    expect(skops('    skops_trusted_types: [sklearn.utils.os.system]')).toBe(true)
    expect(skops('    code: code')).toBe(true)
    expect(parseMlModel('flavors:\n  sklearn:\n    serialization_format: cloudpickle').runsCode).toBe(true)
    expect(parseMlModel('flavors:\n  pytorch: {}').runsCode).toBe(true)
    expect(parseMlModel('flavors:\n  onnx: {data: model.onnx}').runsCode).toBe(false)
  })
})

describe('requirements of a conversion', () => {
  it('are the model’s own and the converter’s, pins of the model winning', () => {
    const made = conversionRequirements(
      'mlflow==3.17.2\nscikit-learn==1.9.1  # pinned\n\n# comment\nonnx==1.19.0\n',
      [],
    )
    expect(made).toEqual({
      text: 'mlflow==3.17.2\nscikit-learn==1.9.1\nonnx==1.19.0\nskl2onnx==1.20.0\nonnxruntime>=1.23,<=1.31.1\npandas\npyarrow\n',
    })
    expect(conversionRequirements(null, ['scikit-learn'])).toMatchObject({
      text: expect.stringContaining('mlflow-skinny'),
    })
  })

  it('hold plain requirements only', () => {
    const good = [
      'numpy',
      'scikit-learn==1.9.1',
      'mlflow[extras]>=2.0,<4',
      'a ~= 1.4 ; python_version < "3.12"',
      'Zope.Interface',
    ]
    for (const line of good) expect(packageName(line), line).not.toBeNull()
    expect(packageName('Zope.Interface')).toBe('zope-interface')
    const bad = [
      '--index-url https://evil.example/simple',
      '-r other.txt',
      '-e .',
      'git+https://evil.example/x.git',
      'x @ https://evil.example/x.whl',
      'https://evil.example/x.whl',
      './wheel.whl',
      '/tmp/x',
      'x==1.0 --hash=sha256:00',
      'x; python_version < "3" ; y',
      'x $(id)',
      'x`id`',
      'x==1.0\\',
      `x${'y'.repeat(600)}`,
    ]
    for (const line of bad) {
      expect(packageName(line), line).toBeNull()
      expect(conversionRequirements(`numpy\n${line}\n`, []), line).toHaveProperty('refused')
    }
  })
})
