export { startControllers } from './start-controllers.ts';
export type { ControllerIdentity, ControllersOptions } from './start-controllers.ts';
