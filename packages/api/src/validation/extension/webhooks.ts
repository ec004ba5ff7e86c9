import { fieldDuplicate, fieldInvalid, fieldNotSupported, fieldRequired } from '../../errors/field-error.ts';
import { FieldPath } from '../../errors/field-path.ts';
import type {
  AdmissionregistrationV1WebhookClientConfig,
  MatchCondition,
  MutatingWebhook,
  MutatingWebhookConfiguration,
  RuleWithOperations,
  ValidatingWebhook,
  ValidatingWebhookConfiguration,
} from '../../generated/types.ts';
import { dns1035LabelFaults, dns1123SubdomainFaults, portNumberFaults, qualifiedNameFaults } from '../../names.ts';
import type { Faults, MaybeList } from '../faults.ts';
import { checkMember, checkSyntax, checkUnique, eachOf } from '../faults.ts';
import { validateLabelSelector } from '../object-meta.ts';

const operations = ['*', 'CONNECT', 'CREATE', 'DELETE', 'UPDATE'];
const reviewVersions = ['v1', 'v1beta1'];
const maxMatchConditions = 64;

function checkQualifiedDomain(name: string, path: FieldPath, faults: Faults): void {
  if (!name) {
    faults.push(fieldRequired(path));
    return;
  }
  const texts = dns1123SubdomainFaults(name);
  if (texts.length > 0) faults.push(fieldInvalid(path, name, texts.join(',')));
  else if (name.split('.').length < 3) {
    faults.push(fieldInvalid(path, name, 'should be a domain with at least three segments separated by dots'));
  }
}

/** Resources of a rule: `pods`, `pods/log`, and patterns of both. */
function validateResources(resources: MaybeList<string>, path: FieldPath, faults: Faults): void {
  const list = resources ?? [];
  if (list.length === 0) faults.push(fieldRequired(path));
  const allSubresources = new Set<string>();
  const ofAllResources = new Set<string>();
  eachOf(list, path, (entry, here) => {
    if (entry === '') {
      faults.push(fieldRequired(here));
      return;
    }
    const slash = entry.indexOf('/');
    if (slash < 0) return;
    const resource = entry.slice(0, slash);
    const subresource = entry.slice(slash + 1);
    if (allSubresources.has(resource)) {
      faults.push(fieldInvalid(here, entry, `if '${resource}/*' is present, must not specify ${entry}`));
    }
    if (ofAllResources.has(subresource)) {
      faults.push(fieldInvalid(here, entry, `if '*/${subresource}' is present, must not specify ${entry}`));
    }
    if (subresource === '*') allSubresources.add(resource);
    if (resource === '*') ofAllResources.add(subresource);
  });
  if (list.length > 1 && list.includes('*/*')) {
    faults.push(fieldInvalid(path, list, "if '*/*' is present, must not specify other resources"));
  }
  if (list.includes('*') && list.some((entry) => entry !== '*' && !entry.includes('/'))) {
    faults.push(fieldInvalid(path, list, "if '*' is present, must not specify other resources without subresources"));
  }
}

function validateRule(rule: RuleWithOperations, path: FieldPath, faults: Faults): void {
  const asked = rule.operations ?? [];
  if (asked.length === 0) faults.push(fieldRequired(path.child('operations')));
  if (asked.length > 1 && asked.includes('*')) {
    faults.push(fieldInvalid(path.child('operations'), asked, "if '*' is present, must not specify other operations"));
  }
  eachOf(asked, path.child('operations'), (operation, here) => {
    checkMember(operation, operations, here, faults);
  });
  for (const [field, what] of [
    ['apiGroups', 'API groups'],
    ['apiVersions', 'API versions'],
  ] as const) {
    const list = rule[field] ?? [];
    const here = path.child(field);
    if (list.length === 0) faults.push(fieldRequired(here));
    if (list.length > 1 && list.includes('*')) faults.push(fieldInvalid(here, list, `if '*' is present, must not specify other ${what}`));
  }
  eachOf(rule.apiVersions, path.child('apiVersions'), (version, here) => {
    if (version === '') faults.push(fieldRequired(here));
  });
  validateResources(rule.resources, path.child('resources'), faults);
  checkMember(rule.scope, ['*', 'Cluster', 'Namespaced'], path.child('scope'), faults);
}

/** The syntax of a webhook's URL, of which nothing but scheme, host, port and path may be said. */
function validateUrl(text: string, path: FieldPath, faults: Faults): void {
  const form = 'desired format: https://host[/path]';
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    faults.push(fieldRequired(path, `url must be a valid URL: parse ${JSON.stringify(text)}: invalid; ${form}`));
    return;
  }
  if (url.protocol !== 'https:') {
    faults.push(fieldInvalid(path, url.protocol.replace(/:$/, ''), `'https' is the only allowed URL scheme; ${form}`));
  }
  if (url.host === '') faults.push(fieldInvalid(path, '', `host must be specified; ${form}`));
  if (url.username !== '' || url.password !== '') {
    faults.push(fieldInvalid(path, url.username, 'user information is not permitted in the URL'));
  }
  if (url.hash !== '') faults.push(fieldInvalid(path, url.hash.slice(1), 'fragments are not permitted in the URL'));
  if (url.search !== '') faults.push(fieldInvalid(path, url.search.slice(1), 'query parameters are not permitted in the URL'));
}

/** A Service that answers: its name, namespace, port and path. */
export function validateServiceReference(
  service: {
    readonly name?: string | undefined;
    readonly namespace?: string | undefined;
    readonly path?: string | undefined;
    readonly port?: number | undefined;
  },
  path: FieldPath,
  faults: Faults,
): void {
  if (!service.name) faults.push(fieldRequired(path.child('name'), 'service name is required'));
  if (!service.namespace) faults.push(fieldRequired(path.child('namespace'), 'service namespace is required'));
  const port = service.port ?? 443;
  for (const fault of portNumberFaults(port)) faults.push(fieldInvalid(path.child('port'), port, `port is not valid: ${fault}`));
  const place = service.path;
  if (place === undefined || place === '/') return;
  const here = path.child('path');
  if (!place.startsWith('/')) {
    faults.push(fieldInvalid(here, place, "must start with a '/'"));
    return;
  }
  const steps = place.slice(1).replace(/\/$/, '').split('/');
  for (const [at, step] of steps.entries()) {
    if (step === '') {
      faults.push(fieldInvalid(here, place, `segment[${at.toString()}] may not be empty`));
      continue;
    }
    for (const fault of dns1123SubdomainFaults(step)) faults.push(fieldInvalid(here, place, `segment[${at.toString()}]: ${fault}`));
  }
}

function validateClient(client: AdmissionregistrationV1WebhookClientConfig, path: FieldPath, faults: Faults): void {
  const { url, service } = client;
  if ((url === undefined) === (service === undefined)) faults.push(fieldRequired(path, 'exactly one of url or service is required'));
  else if (url !== undefined) validateUrl(url, path.child('url'), faults);
  else if (service !== undefined) validateServiceReference(service, path.child('service'), faults);
}

function validateVersions(versions: MaybeList<string>, path: FieldPath, faults: Faults): void {
  const list = versions ?? [];
  const accepted = reviewVersions.join(', ');
  if (list.length === 0) {
    faults.push(fieldRequired(path, `must specify one of ${accepted}`));
    return;
  }
  const seen = new Set<string>();
  eachOf(list, path, (version, here) => {
    if (seen.has(version)) faults.push(fieldInvalid(here, version, 'duplicate version'));
    else checkSyntax(version, dns1035LabelFaults, here, faults);
    seen.add(version);
  });
  if (!list.some((version) => reviewVersions.includes(version))) {
    faults.push(fieldInvalid(path, list, `must include at least one of ${accepted}`));
  }
}

/** Of match conditions, everything but their expressions, which are compiled where they are used. */
export function validateMatchConditions(conditions: MaybeList<MatchCondition>, path: FieldPath, faults: Faults): void {
  const count = (conditions ?? []).length;
  if (count > maxMatchConditions) {
    faults.push({
      type: 'FieldValueTooMany',
      field: path.toString(),
      body: `Too many: ${count.toString()}: must have at most ${maxMatchConditions.toString()} items`,
    });
  }
  const names = new Set<string>();
  eachOf(conditions, path, ({ name, expression }, here) => {
    if (!expression.trim()) faults.push(fieldRequired(here.child('expression')));
    if (!name) faults.push(fieldRequired(here.child('name')));
    else {
      checkSyntax(name, qualifiedNameFaults, here.child('name'), faults);
      checkUnique(name, names, here.child('name'), faults);
    }
  });
}

function validateHook(hook: ValidatingWebhook | MutatingWebhook, path: FieldPath, faults: Faults): void {
  checkQualifiedDomain(hook.name, path.child('name'), faults);
  eachOf(hook.rules, path.child('rules'), (rule, here) => {
    validateRule(rule, here, faults);
  });
  checkMember(hook.failurePolicy, ['Fail', 'Ignore'], path.child('failurePolicy'), faults);
  checkMember(hook.matchPolicy, ['Equivalent', 'Exact'], path.child('matchPolicy'), faults);
  const effects = hook.sideEffects as string | undefined;
  const harmless = ['None', 'NoneOnDryRun'];
  if (effects === undefined || effects === '') {
    faults.push(fieldRequired(path.child('sideEffects'), `must specify one of ${harmless.join(', ')}`));
  } else if (!harmless.includes(effects)) faults.push(fieldNotSupported(path.child('sideEffects'), effects, harmless));
  const seconds = hook.timeoutSeconds;
  if (seconds !== undefined && (seconds > 30 || seconds < 1)) {
    faults.push(fieldInvalid(path.child('timeoutSeconds'), seconds, 'the timeout value must be between 1 and 30 seconds'));
  }
  validateLabelSelector(hook.namespaceSelector, path.child('namespaceSelector'), faults);
  validateLabelSelector(hook.objectSelector, path.child('objectSelector'), faults);
  if ('reinvocationPolicy' in hook) {
    checkMember(hook.reinvocationPolicy, ['IfNeeded', 'Never'], path.child('reinvocationPolicy'), faults);
  }
  validateClient(hook.clientConfig, path.child('clientConfig'), faults);
  validateMatchConditions(hook.matchConditions, path.child('matchConditions'), faults);
  validateVersions(hook.admissionReviewVersions, path.child('admissionReviewVersions'), faults);
}

export function validateWebhooks(configuration: ValidatingWebhookConfiguration | MutatingWebhookConfiguration, faults: Faults): void {
  const names = new Set<string>();
  eachOf<ValidatingWebhook | MutatingWebhook>(configuration.webhooks, FieldPath.of('webhooks'), (hook, here) => {
    validateHook(hook, here, faults);
    if (!hook.name) return;
    if (names.has(hook.name)) faults.push(fieldDuplicate(here.child('name'), hook.name));
    names.add(hook.name);
  });
}
