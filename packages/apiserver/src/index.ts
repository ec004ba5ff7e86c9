export type { ApiServer, ApiServerOptions, Identity } from './api-server.ts';
export type { ApiRequest, HttpMethod, Peer, RequestBody } from './http/request.ts';
export type { ApiResponse, ResponseBody } from './http/response.ts';
export type { ClusterKeys, IssuedCertificate, KeyPair } from './keys/cluster-keys.ts';
