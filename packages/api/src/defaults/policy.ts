import type {
  AuthenticationV1TokenRequest,
  DeviceClaim,
  FlowSchema,
  PriorityClass,
  PriorityLevelConfiguration,
  ResourceClaimTemplate,
  ResourceV1ResourceClaim,
} from '../generated/types.ts';

export function defaultPriorityClass(priorityClass: PriorityClass): void {
  priorityClass.preemptionPolicy ??= 'PreemptLowerPriority';
}

export function defaultFlowSchema({ spec }: FlowSchema): void {
  if (spec) spec.matchingPrecedence ||= 1000;
}

export function defaultPriorityLevel({ spec }: PriorityLevelConfiguration): void {
  if (spec?.limited) {
    spec.limited.nominalConcurrencyShares ??= 30;
    spec.limited.lendablePercent ??= 0;
    const queuing = spec.limited.limitResponse?.queuing;
    if (queuing) {
      queuing.handSize ||= 8;
      queuing.queues ||= 64;
      queuing.queueLengthLimit ||= 50;
    }
  }
  if (spec?.exempt) {
    spec.exempt.nominalConcurrencyShares ??= 0;
    spec.exempt.lendablePercent ??= 0;
  }
}

export function defaultTokenRequest({ spec }: AuthenticationV1TokenRequest): void {
  if (spec) spec.expirationSeconds ??= 3600;
}

function defaultDevices(devices: DeviceClaim | undefined): void {
  for (const request of devices?.requests ?? []) {
    for (const wanted of [...(request.exactly ? [request.exactly] : []), ...(request.firstAvailable ?? [])]) {
      wanted.allocationMode ||= 'ExactCount';
      if (wanted.allocationMode === 'ExactCount') wanted.count ||= 1;
    }
  }
}

export function defaultResourceClaim({ spec }: ResourceV1ResourceClaim): void {
  defaultDevices(spec?.devices);
}

export function defaultResourceClaimTemplate({ spec }: ResourceClaimTemplate): void {
  defaultDevices(spec?.spec?.devices);
}
