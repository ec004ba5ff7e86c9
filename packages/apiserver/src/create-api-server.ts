import { internalError, methodNotAllowed, StatusError, statusOf } from '@bayplan/api';
import { issueCertificate } from '@bayplan/component-base';
import { proxyUpgrade, rejectUpgrade } from '@bayplan/streaming';
import type { ProxyTarget } from '@bayplan/streaming';
import type { ApiServer, ApiServerOptions } from './api-server.ts';
import { createServerParts } from './server-parts.ts';
import { chain } from './chain/chain.ts';
import { openAuditor } from './audit/open-auditor.ts';
import { authenticate } from './chain/authenticate.ts';
import { authorize } from './chain/authorize.ts';
import { impersonate } from './chain/impersonate.ts';
import { fairness } from './flowcontrol/fairness.ts';
import { registerFairnessMetrics } from './flowcontrol/fairness-metrics.ts';
import { registerFeatureMetrics } from './feature-metrics.ts';
import { auditIdOf } from './chain/context.ts';
import type { RequestContext } from './chain/context.ts';
import { deadline } from './chain/deadline.ts';
import { subresourceOf } from './registry/served-resource.ts';
import { refuseWhileDraining } from './chain/draining.ts';
import { encode } from './chain/encode.ts';
import { negotiate } from './chain/negotiate.ts';
import type { Outcome } from './chain/outcome.ts';
import { parseRequest } from './chain/request-info.ts';
import { anonymous } from './chain/user.ts';
import { dispatch } from './dispatch.ts';
import { isHttpMethod } from './http/request.ts';
import type { ApiRequest } from './http/request.ts';
import type { ApiResponse } from './http/response.ts';
import { listen } from './http/listener.ts';
import type { Listener, ListenerOptions } from './http/listener.ts';
import { unreachable } from './connect/node-link.ts';
import { upgradeTarget } from './connect/upgrade.ts';
import { LoopbackTransport } from './loopback.ts';
import { bootstrap } from './bootstrap/bootstrap.ts';
import { withoutToken } from './connect/without-token.ts';
import { servingNames } from './serving-names.ts';
import { UnknownPath, unknownPathText } from './unknown-path.ts';

/** Makes an API server on `options.store`: starts its watch, writes the bootstrap objects. Does not listen yet. */
export async function createApiServer(options: ApiServerOptions): Promise<ApiServer> {
  const { clock, logger } = options;
  const parts = await createServerParts(options);
  const auditor = options.audit === undefined ? undefined : await openAuditor(options.audit, options.metrics, clock, logger);
  registerFairnessMetrics(options.metrics, parts.flows);
  registerFeatureMetrics(options.metrics, parts.features);
  const requestTimeoutMs = options.requestTimeoutMs ?? 60_000;
  const steps = [
    parts.measure,
    refuseWhileDraining(parts.lifecycle),
    deadline(requestTimeoutMs, clock),
    ...(auditor === undefined ? [] : [auditor.failedAuthentication]),
    authenticate(parts.authenticator),
    ...(auditor === undefined ? [] : [auditor.record]),
    impersonate(parts.authorizer),
    fairness({
      controller: parts.flows,
      registry: parts.registry,
      clock,
      requestTimeoutMs,
    }),
    authorize(parts.authorizer),
  ];
  const runChain = chain(steps, (context) => dispatch(parts, context));
  const contextOf = (request: ApiRequest): RequestContext => {
    if (!isHttpMethod(request.method)) throw methodNotAllowed();
    const info = parseRequest(request.method, request.path, request.query);
    const resource = info.isResource ? parts.registry.find(info.group, info.version, info.resource) : undefined;
    const isCustom = resource?.custom !== undefined;
    const isStray =
      info.isResource && info.subresource !== '' && (resource === undefined || subresourceOf(resource, info.subresource) === undefined);
    return {
      request,
      info,
      knownResource: resource !== undefined,
      isStray,
      isCustom,
      startMs: clock.now(),
      features: parts.features,
      user: anonymous,
      warnings: [],
    };
  };

  const handle = async (request: ApiRequest): Promise<ApiResponse> => {
    let context: RequestContext | undefined;
    try {
      context = contextOf(request);
      const { headers, query } = request;
      const offer = { lenient: !context.knownResource, withoutProtobuf: context.isCustom };
      const representation = negotiate(headers['accept'], query, headers['user-agent'], offer);
      return await encode(context, await runChain(context), representation);
    } catch (error) {
      return failure(context, error);
    }
  };
  const failure = (context: RequestContext | undefined, error: unknown): ApiResponse => {
    if (error instanceof UnknownPath) {
      const plain = {
        'content-type': 'text/plain; charset=utf-8',
        'x-content-type-options': 'nosniff',
        'cache-control': 'no-cache, private',
      };
      return { status: 404, headers: plain, body: { kind: 'bytes', chunks: [Buffer.from(unknownPathText)] } };
    }
    const status = statusOf(error) ?? (error instanceof URIError ? undefined : unexpected(error, context));
    const body = status ?? {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message: 'malformed URL',
      reason: 'BadRequest',
      code: 400,
    };
    const headers: Record<string, string> = {
      'content-type': 'application/json',
      'cache-control': 'no-cache, private',
      ...(context === undefined ? {} : { 'audit-id': auditIdOf(context) }),
      ...context?.responseHeaders,
    };
    const retryAfter = status?.details?.retryAfterSeconds;
    if (retryAfter !== undefined) headers['retry-after'] = retryAfter.toString();
    return { status: body.code, headers, body: { kind: 'bytes', chunks: [Buffer.from(`${JSON.stringify(body)}\n`)] } };
  };
  const unexpected = (error: unknown, context: RequestContext | undefined) => {
    logger.error('Request failed', { err: error, method: context?.request.method, path: context?.request.path });
    return internalError((error as Error).message, error).status;
  };
  const upgrade: ListenerOptions['upgrade'] = async (request, req, socket, head) => {
    let context: RequestContext | undefined;
    try {
      context = contextOf(request);
      let target: ProxyTarget | undefined;
      await chain(steps, async (authorised) => {
        target =
          (await parts.aggregator.upgradeTarget(authorised)) ??
          (await upgradeTarget({ ...parts, random: parts.verbs.random, admission: parts.verbs.admission }, authorised));
        return { kind: 'value', status: 101, value: {} };
      })(context);
      if (target === undefined) throw internalError('the upgrade has no target');
      const { url } = target;
      await proxyUpgrade(req, socket, head, {
        ...target,
        headers: { ...target.headers, ...withoutToken(request) },
        signal: request.signal,
      }).catch((error: unknown) => {
        throw unreachable(url, error);
      });
    } catch (error) {
      const { status, headers, body } = failure(context, error);
      const text = body.kind === 'bytes' ? Buffer.concat(body.chunks).toString('utf8') : '';
      rejectUpgrade(socket, status, text, String(headers['content-type']));
    }
  };
  const runLoopback = async (request: ApiRequest): Promise<Outcome> => {
    try {
      return await runChain(contextOf(request));
    } catch (error) {
      if (error instanceof StatusError) throw error;
      if (request.signal.aborted) throw error;
      logger.error('Request failed', { err: error, method: request.method, path: request.path });
      throw internalError((error as Error).message, error);
    }
  };

  const loopback: ApiServer['loopback'] = (identity) => new LoopbackTransport(runLoopback, identity);
  const maintenance = await bootstrap(parts, loopback({ name: 'system:apiserver', groups: ['system:masters'] }));
  let listener: Listener | undefined;
  return {
    handle,
    loopback,
    caPem: options.keys.ca.certPem,
    async listen() {
      const names = servingNames(parts.settings, options.tlsSans ?? []);
      const serving = await issueCertificate(options.keys.ca, { commonName: 'kube-apiserver', ...names, usages: ['server'] }, clock.now());
      listener = await listen({
        bindAddress: options.bindAddress ?? '0.0.0.0',
        port: options.port ?? 6443,
        serving,
        clientCaPem: options.keys.ca.certPem,
        frontProxyCaPem: options.keys.frontProxyCa.certPem,
        handle,
        upgrade,
        logger,
      });
      await maintenance.published(listener.port);
      return { address: listener.address, port: listener.port };
    },
    async close() {
      const { lifecycle } = parts;
      lifecycle.stopping = true;
      if (listener !== undefined && options.shutdownDelayMs !== undefined) await clock.sleep(options.shutdownDelayMs);
      lifecycle.draining = true;
      await maintenance.stop();
      parts.sources.close();
      parts.authorizer.close();
      parts.flows.stop();
      parts.encryption.close();
      parts.registry.endWatches();
      await listener?.close(options.drainMs ?? 60_000);
      parts.nodes.close();
      await parts.webhooks.close();
      await parts.hub.close();
      await auditor?.close();
    },
  };
}
