import type { Draft, StatusResponse, VersionResponse } from '@bayplan/rpc';
import type { Runtime } from '../runtime.ts';

export const runtimeVersion = '0.1.0';

export function version(): Draft<VersionResponse> {
  return { version: '0.1.0', runtimeName: 'bayplan', runtimeVersion, runtimeApiVersion: 'v1' };
}

/** Whether containers can be run and attached to the network. */
export function status(runtime: Runtime, verbose: boolean): Draft<StatusResponse> {
  const networkFault = runtime.network.notReadyReason();
  return {
    status: {
      conditions: [
        { type: 'RuntimeReady', status: true },
        networkFault === undefined
          ? { type: 'NetworkReady', status: true }
          : { type: 'NetworkReady', status: false, reason: 'NetworkPluginNotReady', message: networkFault },
      ],
    },
    info: verbose ? { handlers: JSON.stringify(runtime.handlers) } : {},
    runtimeHandlers: Object.keys(runtime.handlers).map((name) => ({
      name,
      features: { recursiveReadOnlyMounts: false, userNamespaces: false },
    })),
    features: { supplementalGroupsPolicy: true },
  };
}
