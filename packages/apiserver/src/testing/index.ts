export { startTestApiServer } from './test-api-server.ts';
export type { TestApiServer, TestApiServerOptions } from './test-api-server.ts';
