import {
  ActionIcon,
  Button,
  Checkbox,
  createTheme,
  Input,
  Kbd,
  type MantineColorsTuple,
  Menu,
  Modal,
  Popover,
  SegmentedControl,
  Select,
  Skeleton,
  Switch,
  Tooltip,
} from '@mantine/core'
import css from './mantine.module.css'

const accent: MantineColorsTuple = [
  '#eef3ff',
  '#dae5ff',
  '#b3caff',
  '#86acff',
  '#5d8cf5',
  '#3b6fe4',
  '#2a5fd6',
  '#1b4fc4',
  '#1641a5',
  '#123486',
]

// Mantine draws its own parts (switches, radios, overlays) in the dark scheme from these.
const dark: MantineColorsTuple = [
  '#e7e9ed',
  '#c3c9d2',
  '#9ba4b2',
  '#7d8694',
  '#3c4450',
  '#262c35',
  '#1b2028',
  '#15191f',
  '#0f1216',
  '#0b0d11',
]

/** Mantine, made ours: sizes and radii here, colours by role in tokens.css, shapes in mantine.module.css. */
export const theme = createTheme({
  colors: { accent, dark },
  primaryColor: 'accent',
  primaryShade: { light: 7, dark: 3 },
  autoContrast: true,
  fontFamily: 'var(--sans)',
  fontFamilyMonospace: 'var(--mono)',
  fontSizes: { xs: '12px', sm: '13px', md: '14px', lg: '14px', xl: '18px' },
  lineHeights: { xs: '16px', sm: '20px', md: '20px', lg: '20px', xl: '28px' },
  spacing: { xs: '4px', sm: '8px', md: '12px', lg: '16px', xl: '24px' },
  radius: { xs: '4px', sm: '6px', md: '6px', lg: '8px', xl: '10px' },
  defaultRadius: 'md',
  cursorType: 'pointer',
  respectReducedMotion: true,
  focusRing: 'auto',
  headings: { fontWeight: '550' },
  components: {
    Button: Button.extend({
      defaultProps: { variant: 'default' },
      classNames: { root: css.button, section: css.section },
    }),
    ActionIcon: ActionIcon.extend({
      defaultProps: { variant: 'subtle', size: 28 },
      classNames: { root: css.actionIcon },
    }),
    Input: Input.extend({ classNames: { input: css.input } }),
    InputWrapper: Input.Wrapper.extend({
      defaultProps: { inputWrapperOrder: ['label', 'input', 'description', 'error'] },
      classNames: { label: css.label, description: css.description, error: css.error },
    }),
    Checkbox: Checkbox.extend({ classNames: { input: css.checkbox } }),
    Kbd: Kbd.extend({ classNames: { root: css.kbd } }),
    Menu: Menu.extend({
      defaultProps: { shadow: 'none', position: 'bottom-end', offset: 4, transitionProps: { duration: 0 } },
      classNames: { dropdown: css.dropdown, item: css.item, label: css.menuLabel },
    }),
    Popover: Popover.extend({
      defaultProps: { shadow: 'none', offset: 4, transitionProps: { duration: 0 } },
      classNames: { dropdown: css.dropdown },
    }),
    Select: Select.extend({
      defaultProps: {
        allowDeselect: false,
        checkIconPosition: 'right',
        comboboxProps: { offset: 4, shadow: 'none', transitionProps: { duration: 0 } },
      },
      classNames: { dropdown: css.dropdown, option: css.item },
    }),
    Tooltip: Tooltip.extend({
      defaultProps: { openDelay: 300, withArrow: false, offset: 6, transitionProps: { duration: 0 } },
      classNames: { tooltip: css.tooltip },
    }),
    Modal: Modal.extend({
      defaultProps: {
        centered: false,
        yOffset: '12vh',
        transitionProps: { duration: 0 },
        shadow: 'none',
        overlayProps: { className: css.overlay },
      },
      classNames: { content: css.modal, header: css.modalHeader, title: css.modalTitle, body: css.modalBody },
    }),
    SegmentedControl: SegmentedControl.extend({
      defaultProps: { size: 'xs', transitionDuration: 0, withItemsBorders: false },
      classNames: { root: css.segmented, label: css.segmentedLabel, indicator: css.segmentedIndicator },
    }),
    Skeleton: Skeleton.extend({ classNames: { root: css.skeleton } }),
    Switch: Switch.extend({ classNames: { track: css.switchTrack } }),
  },
})
