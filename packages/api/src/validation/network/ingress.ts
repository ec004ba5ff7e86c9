import type { FieldError } from '../../errors/field-error.ts';
import { fieldForbidden, fieldInvalid, fieldNotSupported, fieldRequired, fieldTooLong } from '../../errors/field-error.ts';
import { FieldPath } from '../../errors/field-path.ts';
import type { HTTPIngressPath, Ingress, IngressBackend, IngressClass, IngressRule } from '../../generated/types.ts';
import {
  byteLength,
  dns1123LabelFaults,
  dns1123SubdomainFaults,
  domainPathFaults,
  ipFamily,
  pathSegmentFaults,
  portNameFaults,
  portNumberFaults,
  wildcardSubdomainFaults,
} from '../../names.ts';
import type { Faults, MaybeList } from '../faults.ts';
import { checkImmutable, checkOptional, checkRequired, checkSyntax, eachOf } from '../faults.ts';
import { checkIp } from '../ip.ts';
import { checkBalancerHostname } from './service.ts';

const spec = FieldPath.of('spec');
const classAnnotation = 'kubernetes.io/ingress.class';

interface Reference {
  readonly apiGroup?: string | undefined;
  readonly kind: string;
  readonly name: string;
}

function validateReference({ apiGroup, kind, name }: Reference, path: FieldPath, faults: Faults): void {
  if (apiGroup !== undefined) checkSyntax(apiGroup, dns1123SubdomainFaults, path.child('apiGroup'), faults);
  checkRequired(kind, pathSegmentFaults, path.child('kind'), faults);
  checkRequired(name, pathSegmentFaults, path.child('name'), faults);
}

function validateBackend(backend: IngressBackend, path: FieldPath, faults: Faults): void {
  const { service, resource } = backend;
  if (resource !== undefined && service !== undefined) {
    faults.push(fieldInvalid(path, '', 'cannot set both resource and service backends'));
  } else if (resource !== undefined) validateReference(resource, path.child('resource'), faults);
  else if (service === undefined) faults.push(fieldInvalid(path, '', 'resource or service backend is required'));
  else {
    checkRequired(service.name, dns1123LabelFaults, path.child('service', 'name'), faults);
    const { name, number = 0 } = service.port ?? {};
    const port = path.child('service', 'port');
    if (name && number !== 0) faults.push(fieldInvalid(path, '', 'cannot set both port name & port number'));
    else if (name) checkSyntax(name, portNameFaults, port.child('name'), faults);
    else if (number === 0) faults.push(fieldRequired(path, 'port name or number is required'));
    else for (const fault of portNumberFaults(number)) faults.push(fieldInvalid(port.child('number'), number, fault));
  }
}

const badSequences = ['//', '/./', '/../', '%2f', '%2F'];
const badEnds = ['/..', '/.'];

function validatePath(route: HTTPIngressPath, path: FieldPath, faults: Faults): void {
  const { pathType, path: place = '', backend } = route;
  const here = path.child('path');
  if (!pathType) {
    faults.push(fieldRequired(path.child('pathType'), 'pathType must be specified'));
    return;
  }
  const absolute = place.startsWith('/');
  if (pathType === 'Exact' || pathType === 'Prefix') {
    if (!absolute) faults.push(fieldInvalid(here, place, 'must be an absolute path'));
    for (const part of badSequences) if (place.includes(part)) faults.push(fieldInvalid(here, place, `must not contain '${part}'`));
    for (const end of badEnds) if (place.endsWith(end)) faults.push(fieldInvalid(here, place, `cannot end with '${end}'`));
  } else if (pathType === 'ImplementationSpecific') {
    if (place !== '' && !absolute) faults.push(fieldInvalid(here, place, 'must be an absolute path'));
  } else {
    faults.push(fieldNotSupported(path.child('pathType'), pathType, ['Exact', 'ImplementationSpecific', 'Prefix']));
  }
  validateBackend(backend, path.child('backend'), faults);
}

function validateRule({ host, http }: IngressRule, path: FieldPath, faults: Faults): void {
  if (host) {
    const here = path.child('host');
    if (ipFamily(host) !== undefined) faults.push(fieldInvalid(here, host, 'must be a DNS name, not an IP address'));
    checkSyntax(host, host.includes('*') ? wildcardSubdomainFaults : dns1123SubdomainFaults, here, faults);
  }
  if (http === undefined) return;
  const paths = http.paths as MaybeList<HTTPIngressPath>;
  if ((paths ?? []).length === 0) faults.push(fieldRequired(path.child('http', 'paths')));
  eachOf(paths, path.child('http', 'paths'), (route, here) => {
    validatePath(route, here, faults);
  });
}

function validateSpec({ spec: wanted }: Ingress, faults: Faults): void {
  const { rules = [], defaultBackend, tls, ingressClassName } = wanted ?? {};
  if (rules.length === 0 && defaultBackend === undefined) {
    faults.push(fieldInvalid(spec, rules, 'either `defaultBackend` or `rules` must be specified'));
  }
  if (defaultBackend !== undefined) validateBackend(defaultBackend, spec.child('defaultBackend'), faults);
  eachOf(rules, spec.child('rules'), (rule, here) => {
    validateRule(rule, here, faults);
  });
  eachOf(tls, spec.child('tls'), ({ hosts, secretName }, here) => {
    eachOf(hosts, here.child('hosts'), (host, at) => {
      checkSyntax(host, host.includes('*') ? wildcardSubdomainFaults : dns1123SubdomainFaults, at, faults);
    });
    checkOptional(secretName, dns1123SubdomainFaults, here.child('secretName'), faults);
  });
  if (ingressClassName !== undefined) checkSyntax(ingressClassName, dns1123SubdomainFaults, spec.child('ingressClassName'), faults);
}

export function validateIngressCreate(ingress: Ingress, faults: Faults): void {
  validateSpec(ingress, faults);
  const annotated = ingress.metadata?.annotations?.[classAnnotation];
  const named = ingress.spec?.ingressClassName;
  if (annotated !== undefined && named !== undefined && annotated !== named) {
    const here = FieldPath.of('annotations').child(classAnnotation);
    faults.push(fieldInvalid(here, annotated, 'must match `ingressClassName` when both are specified'));
  }
}

/** Names of secrets and wildcard rules that older objects have may stay. */
export function validateIngressUpdate(next: Ingress, old: Ingress, faults: Faults): void {
  const before: FieldError[] = [];
  validateSpec(old, before);
  const secrets = before.some(({ field }) => field.endsWith('.secretName'));
  const wildcards = (old.spec?.rules ?? []).some(
    ({ host }, at) => host?.includes('*') === true && before.some(({ field }) => field.startsWith(`spec.rules[${at.toString()}].http`)),
  );
  const found: FieldError[] = [];
  validateSpec(next, found);
  const isWildcard = (field: string): boolean => {
    const at = /^spec\.rules\[(\d+)\]\.http/.exec(field)?.[1];
    return at !== undefined && next.spec?.rules?.[Number(at)]?.host?.includes('*') === true;
  };
  faults.push(...found.filter(({ field }) => !(secrets && field.endsWith('.secretName')) && !(wildcards && isWildcard(field))));
}

export function validateIngressStatus(next: Ingress, old: Ingress, faults: Faults): void {
  const known = (old.status?.loadBalancer?.ingress ?? []).flatMap(({ ip }) => (ip ? [ip] : []));
  eachOf(next.status?.loadBalancer?.ingress, FieldPath.of('status', 'loadBalancer', 'ingress'), ({ ip, hostname }, here) => {
    if (ip) checkIp(ip, here.child('ip'), faults, known);
    checkBalancerHostname(hostname, here.child('hostname'), faults);
  });
}

const maxController = 250;

export function validateIngressClass({ spec: wanted }: IngressClass, faults: Faults): void {
  const controller = wanted?.controller ?? '';
  if (byteLength(controller) > maxController) faults.push(fieldTooLong(spec.child('controller'), maxController));
  checkRequired(controller, domainPathFaults, spec.child('controller'), faults);
  const parameters = wanted?.parameters;
  if (parameters === undefined) return;
  const path = spec.child('parameters');
  validateReference(parameters, path, faults);
  const { scope, namespace } = parameters;
  const here = path.child('namespace');
  if (scope === undefined || scope === '') faults.push(fieldRequired(path.child('scope')));
  else if (scope === 'Namespace') {
    if (namespace === undefined) faults.push(fieldRequired(here, "`parameters.scope` is set to 'Namespace'"));
    else checkSyntax(namespace, dns1123LabelFaults, here, faults);
  } else if (scope === 'Cluster') {
    if (namespace !== undefined) faults.push(fieldForbidden(here, "`parameters.scope` is set to 'Cluster'"));
  } else faults.push(fieldNotSupported(path.child('scope'), scope, ['Cluster', 'Namespace']));
}

export function validateIngressClassUpdate(next: IngressClass, old: IngressClass, faults: Faults): void {
  checkImmutable(next.spec?.controller, old.spec?.controller, spec.child('controller'), faults);
}
