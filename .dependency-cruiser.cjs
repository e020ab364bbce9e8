/** Who may import whom: the rules of ARCHITECTURE.md, executed. */
module.exports = {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } } },
    { name: 'lib-imports-nothing-of-ours', severity: 'error', from: { path: '^src/lib/' }, to: { path: '^src/', pathNot: '^src/lib/' } },
    { name: 'routes-never-import-stores', severity: 'error', from: { path: '\\.routes\\.ts$' }, to: { path: '\\.store\\.ts$' } },
    { name: 'stores-import-db-and-lib-only', severity: 'error', from: { path: '\\.store\\.ts$', pathNot: '\\.test\\.ts$' }, to: { path: '^src/', pathNot: '^src/(db|lib)/|\\.store\\.ts$' } },
    {
      name: 'a-service-never-calls-another-rooms-store', severity: 'error',
      from: { path: '^src/server/([^/]+)/', pathNot: '\\.test\\.ts$' },
      to: { path: '^src/server/[^/]+/.*\\.store\\.ts$', pathNot: '^src/server/$1/' },
    },
    { name: 'doors-import-services-only', severity: 'error', from: { path: '^src/server/protocols/', pathNot: '\\.test\\.ts$' }, to: { path: '\\.store\\.ts$|\\.routes\\.ts$' } },
    { name: 'rooms-never-import-doors', severity: 'error', from: { path: '^src/server/(?!protocols)' }, to: { path: '^src/server/protocols/' } },
    { name: 'services-never-import-http', severity: 'error', from: { path: '\\.service\\.ts$' }, to: { path: '^src/http/' } },
    { name: 'web-imports-only-web', severity: 'error', from: { path: '^src/web/' }, to: { path: '^src/', pathNot: '^src/(web|lib)/' } },
    { name: 'cli-is-a-client', severity: 'error', from: { path: '^src/cli/', pathNot: '^src/cli/(admin/|serve|demo)' }, to: { path: '^src/(server|http|db|blobs)/' } },
    { name: 'no-dev-dependencies-at-run-time', severity: 'error', from: { path: '^src/', pathNot: '^src/web/|\\.test\\.ts$' }, to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'] } },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.server.json' },
    enhancedResolveOptions: { extensions: ['.ts', '.tsx', '.js', '.json'], exportsFields: ['exports'], conditionNames: ['import', 'types'] },
  },
}
