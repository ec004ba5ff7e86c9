export type { ApiServer, ApiServerOptions, Identity } from './api-server.ts';
export type { AuthenticationOptions } from './authentication/authentication-options.ts';
export { ConfigError } from './config/config-node.ts';
export type { ApiRequest, HttpMethod, Peer, RequestBody } from './http/request.ts';
export type { ApiResponse, ResponseBody } from './http/response.ts';
export type { ClusterKeys } from './keys/cluster-keys.ts';
export { createApiServer } from './create-api-server.ts';
export { clusterKeysKey, loadOrCreateClusterKeys, opensClusterKeys } from './keys/load-cluster-keys.ts';
export { snapshotPath } from './paths/snapshot.ts';
