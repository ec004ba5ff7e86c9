export { cachedForm } from './runtime/cached-form.ts';
export { startControllers } from './start-controllers.ts';
export type { ControllerIdentity, ControllersOptions } from './start-controllers.ts';
