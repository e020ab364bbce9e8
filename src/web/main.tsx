import './locale.ts'
import '@fontsource-variable/inter/wght.css'
import '@fontsource-variable/jetbrains-mono/wght.css'
import '@mantine/core/styles.layer.css'
import './theme/tokens.css'
import './theme/base.css'
import { MantineProvider } from '@mantine/core'
import { QueryClientProvider } from '@tanstack/react-query'
import { RouterProvider } from '@tanstack/react-router'
import { createRoot } from 'react-dom/client'
import { onSignInNeeded } from './api/errors.ts'
import { queryClient } from './api/query.ts'
import { href } from './base.ts'
import { paths } from './paths.ts'
import { router } from './routes.tsx'
import { applyScheme, schemeManager } from './theme/scheme.ts'
import { theme } from './theme/theme.ts'

applyScheme()
onSignInNeeded(() => {
  const here = router.state.location
  if (here.pathname !== paths.login()) router.history.replace(href(paths.login(here.href)))
})

createRoot(document.getElementById('root')!).render(
  <QueryClientProvider client={queryClient}>
    <MantineProvider theme={theme} colorSchemeManager={schemeManager} defaultColorScheme="auto">
      <RouterProvider router={router} />
    </MantineProvider>
  </QueryClientProvider>,
)
