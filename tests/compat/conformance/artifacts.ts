import type { Scenario } from './scenario.ts'

const ROOT = '/api/2.0/mlflow-artifacts/artifacts'
const bytes = { 'content-type': 'application/octet-stream' }

const proxy: Scenario = {
  name: 'artifacts',
  async play(t) {
    await t.experiment('$exp')
    await t.run('$r', '$exp')
    await t.run('$bad', '$exp')
    await t.make('$m', 'logged-models', { experiment_id: '$exp', name: 'model' })
    const base = `${ROOT}/$exp/$r/artifacts`
    const put = (path: string, raw = 'hello') => t.send('PUT', `${base}/${path}`, undefined, { raw, headers: bytes })
    for (const path of [
      'a.txt',
      'd/b.json',
      'd/e/c.png',
      'with%20space.txt',
      '%E6%97%A5.txt',
      'plus+sign.txt',
      'a&b=c.txt',
      'semi;colon.txt',
      'at@x,y.txt',
      '(p).html',
      '%5Bb%5D.csv',
      'noext',
      'x.tar.gz',
      'p.yaml',
      'i.svg',
      'z.py',
      'MLmodel',
    ])
      await put(path)
    // MLflow decodes a name as often as it can, ours once: neither list would show the other's name.
    await t.send('PUT', `${ROOT}/$exp/$bad/artifacts/pct%2525.txt`, undefined, { raw: 'hello', headers: bytes })
    await t.get(`${ROOT}/$exp/$bad/artifacts/pct%2525.txt`)
    await put('a.txt', 'again, longer')
    await put('empty.txt', '')
    for (const path of [
      '../x.txt',
      '%2e%2e/x.txt',
      '%252e%252e/x.txt',
      'a%2F..%2Fb',
      '..',
      '/abs.txt',
      '%2Fetc/x',
      'a\\b.txt',
      'a%5Cb.txt',
      'a%23b.txt',
      'C:/x.txt',
      'C%3A/x',
      'd//f.txt',
      './g.txt',
      'a.txt/under',
      'd',
      'nul%00.txt',
      '%ff.txt',
    ])
      await t.send('PUT', `${ROOT}/$exp/$bad/artifacts/${path}`, undefined, { raw: 'hello', headers: bytes })
    for (const path of [
      'a.txt',
      'd/b.json',
      'with%20space.txt',
      '%E6%97%A5.txt',
      'plus+sign.txt',
      'a&b=c.txt',
      'semi;colon.txt',
      'at@x,y.txt',
      '(p).html',
      '%5Bb%5D.csv',
      'noext',
      'x.tar.gz',
      'p.yaml',
      'i.svg',
      'z.py',
      'MLmodel',
      'd/e/c.png',
      'empty.txt',
      'none.txt',
      'd',
      'd/',
      'a.txt/',
      '../../../x',
      '%2e%2e/x',
      'a%5Cb',
      'none/none.txt',
    ])
      await t.get(`${base}/${path}`)
    for (const path of [
      undefined,
      '',
      '$exp',
      '$exp/$r/artifacts',
      '$exp/$r/artifacts/',
      '$exp/$r/artifacts/d',
      '$exp/$r/artifacts/d/',
      '$exp/$r/artifacts/a.txt',
      '$exp/$r/artifacts/none',
      'none',
      '../x',
      '/etc',
      '$exp/../x',
      '%2e%2e/x',
      'a\\b',
      'a#b',
      'C:/x',
      './$exp/$r/artifacts/d',
      '$exp//$r/artifacts',
    ]) {
      if (path !== undefined && path !== '' && path !== '$exp') await t.get(ROOT, { path })
    }
    for (const query of [
      { run_id: '$r' },
      { run_id: '$r', path: '' },
      { run_id: '$r', path: 'd' },
      { run_id: '$r', path: 'd/' },
      { run_id: '$r', path: 'd/e' },
      { run_id: '$r', path: 'a.txt' },
      { run_id: '$r', path: 'none' },
      { run_id: '$r', path: '../x' },
      { run_id: '$r', path: '/d' },
      { run_id: '$r', path: './d' },
      { run_id: '$r', path: 'd//e' },
      { run_id: '$r', path: 'd/../d' },
      { run_uuid: '$r', path: 'd' },
      { run_id: '$r', path: 'd', page_token: 'x' },
    ])
      await t.get('artifacts/list', query)
    for (const query of [
      {},
      { run_id: '$r' },
      { path: 'a.txt' },
      { run_id: '$r', path: 'a.txt' },
      { run_uuid: '$r', path: 'd/b.json' },
      { run_id: '$r', path: 'none' },
      { run_id: '$r', path: 'd' },
      { run_id: '$r', path: '../x' },
      { run_id: '$r', path: '/etc/passwd' },
      { run_id: 'none', path: 'a.txt' },
      { run_id: '$r', path: '' },
      { run_id: '$r', path: '(p).html' },
      { run_id: '$r', path: 'i.svg' },
      { run_id: '$r', path: '%2e%2e/x' },
      { run_id: '$r', path: 'with space.txt' },
    ])
      await t.get('/get-artifact', query)
    const lm = `${ROOT}/$exp/models/$m/artifacts`
    for (const path of ['MLmodel', 'data/model.bin'])
      await t.send('PUT', `${lm}/${path}`, undefined, { raw: 'content', headers: bytes })
    for (const query of [
      {},
      { artifact_directory_path: 'data' },
      { artifact_directory_path: 'MLmodel' },
      { artifact_directory_path: 'none' },
      { artifact_directory_path: '../x' },
    ])
      await t.get('logged-models/$m/artifacts/directories', query)
    const files = '/ajax-api/2.0/mlflow/logged-models/$m/artifacts/files'
    for (const query of [
      {},
      { artifact_file_path: 'MLmodel' },
      { artifact_file_path: 'data/model.bin' },
      { artifact_file_path: 'none' },
      { artifact_file_path: 'data' },
      { artifact_file_path: '../x' },
      { artifact_file_path: '' },
    ])
      await t.get(files, query)
    await t.get('/ajax-api/2.0/mlflow/logged-models/m-none/artifacts/files', { artifact_file_path: 'MLmodel' })
    const name = t.name('m')
    await t.quiet('POST', 'registered-models/create', { name })
    await t.quiet('POST', 'model-versions/create', {
      name,
      source: 'mlflow-artifacts:/$exp/$r/artifacts/d',
      run_id: '$r',
    })
    await t.quiet('POST', 'model-versions/create', { name, source: 'models:/$m', model_id: '$m' })
    for (const query of [
      {},
      { name, version: 1 },
      { name, path: 'b.json' },
      { name, version: 1, path: 'b.json' },
      { name, version: 1, path: 'e/c.png' },
      { name, version: 1, path: 'none' },
      { name, version: 1, path: 'e' },
      { name, version: 1, path: '../a.txt' },
      { name, version: 1, path: '/etc/passwd' },
      { name, version: 99, path: 'b.json' },
      { name: t.name('none'), version: 1, path: 'b.json' },
      { name, version: 'x', path: 'b.json' },
      { name, version: 2, path: 'MLmodel' },
    ])
      await t.get('/model-versions/get-artifact', query)
    const upload = (query: object, raw: string | undefined = 'up') =>
      t.send('POST', '/ajax-api/2.0/mlflow/upload-artifact', undefined, { query: query as never, raw, headers: bytes })
    for (const query of [
      {},
      { run_uuid: '$r' },
      { path: 'u.txt' },
      { run_uuid: '$r', path: 'up/u.txt' },
      { run_id: '$bad', path: 'up/v.txt' },
      { run_uuid: 'none', path: 'u.txt' },
      { run_uuid: '$r', path: '../u.txt' },
      { run_uuid: '$r', path: '/u.txt' },
      { run_uuid: '$r', path: 'a/../../u.txt' },
    ])
      await upload(query)
    await upload({ run_uuid: '$bad', path: 'up/none.txt' }, '')
    await upload({ run_uuid: '$r', path: 'up/max.bin' }, 'x'.repeat(10 * 1024 * 1024))
    await t.get('artifacts/list', { run_id: '$r', path: 'up' })
    for (const path of ['a.txt', 'a.txt', 'd', 'none', '../x', '%2e%2e/x', 'with%20space.txt'])
      await t.send('DELETE', `${base}/${path}`)
    await t.get('artifacts/list', { run_id: '$r' })
    for (const step of ['create', 'complete', 'abort'])
      await t.post(`/api/2.0/mlflow-artifacts/mpu/${step}/$exp/$r/artifacts`, {
        path: 'big.bin',
        num_parts: 2,
        upload_id: 'x',
        parts: [],
      })
    await t.get('/api/2.0/mlflow-artifacts/presigned/$exp/$r/artifacts/p.yaml')
    await t.send('POST', `${base}/a.txt`, {})
    await t.send('PATCH', `${base}/a.txt`, {})
    await t.send('PUT', `/ajax-api/2.0/mlflow-artifacts/artifacts/$exp/$r/artifacts/ajax.txt`, undefined, {
      raw: 'hi',
      headers: bytes,
    })
    await t.get('/ajax-api/2.0/mlflow-artifacts/artifacts/$exp/$r/artifacts/ajax.txt')
  },
}

export const artifactScenarios = [proxy]
