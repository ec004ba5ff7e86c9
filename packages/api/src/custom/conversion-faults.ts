import type { FieldError } from '../errors/field-error.ts';
import { fieldForbidden, fieldInvalid, fieldNotSupported, fieldRequired } from '../errors/field-error.ts';
import type { FieldPath } from '../errors/field-path.ts';
import type { CustomResourceConversion } from '../generated/types.ts';
import { dns1035LabelFaults } from '../names.ts';

const reviewVersions = ['v1', 'v1beta1'];

/** Faults of how objects are converted. The paths are those of Kubernetes, which calls the parts by older names. */
export function conversionFaults(conversion: CustomResourceConversion | undefined, path: FieldPath): FieldError[] {
  if (conversion === undefined) return [];
  const { strategy, webhook } = conversion;
  const config = path.child('webhookClientConfig');
  const versions = webhook?.conversionReviewVersions ?? [];
  const faults: FieldError[] = [];
  if (!strategy) faults.push(fieldRequired(path.child('strategy')));
  else if (strategy !== 'None' && strategy !== 'Webhook')
    faults.push(fieldNotSupported(path.child('strategy'), strategy, ['None', 'Webhook']));
  if (strategy !== 'Webhook') {
    const why = 'should not be set when strategy is not set to Webhook';
    if (webhook?.clientConfig !== undefined) faults.push(fieldForbidden(config, why));
    if (versions.length > 0) faults.push(fieldForbidden(path.child('conversionReviewVersions'), why));
    return faults;
  }
  const client = webhook?.clientConfig;
  if (client === undefined) faults.push(fieldRequired(config, 'required when strategy is set to Webhook'));
  else if ((client.url === undefined) === (client.service === undefined))
    faults.push(fieldRequired(config, 'exactly one of url or service is required'));
  else if (client.url !== undefined) faults.push(...urlFaults(client.url, config.child('url')));
  else {
    const { service } = client;
    const at = config.child('service');
    if (!service?.name) faults.push(fieldRequired(at.child('name'), 'service name is required'));
    if (!service?.namespace) faults.push(fieldRequired(at.child('namespace'), 'service namespace is required'));
    const port = service?.port ?? 443;
    if (port < 1 || port > 65535)
      faults.push(fieldInvalid(at.child('port'), port, 'port is not valid: must be between 1 and 65535, inclusive'));
    if (service?.path !== undefined && !service.path.startsWith('/'))
      faults.push(fieldInvalid(at.child('path'), service.path, "must start with a '/'"));
  }
  faults.push(...versionFaults(versions, path.child('conversionReviewVersions')));
  return faults;
}

function urlFaults(text: string, path: FieldPath): FieldError[] {
  const form = '; desired format: https://host[/path]';
  if (!URL.canParse(text)) return [fieldRequired(path, `url must be a valid URL: parse ${JSON.stringify(text)}: invalid URI${form}`)];
  const url = new URL(text);
  const faults: FieldError[] = [];
  const refuse = (value: string, why: string): void => void faults.push(fieldInvalid(path, value, why));
  if (url.protocol !== 'https:') refuse(url.protocol.slice(0, -1), `'https' is the only allowed URL scheme${form}`);
  if (url.host === '') refuse(url.host, `host must be specified${form}`);
  if (url.username !== '' || url.password !== '') refuse(url.username, 'user information is not permitted in the URL');
  if (url.hash !== '') refuse(url.hash.slice(1), 'fragments are not permitted in the URL');
  if (url.search !== '') refuse(url.search.slice(1), 'query parameters are not permitted in the URL');
  return faults;
}

function versionFaults(versions: readonly string[], path: FieldPath): FieldError[] {
  if (versions.length === 0) return [fieldRequired(path)];
  const faults: FieldError[] = [];
  const seen = new Set<string>();
  for (const [at, version] of versions.entries()) {
    if (seen.has(version)) faults.push(fieldInvalid(path.index(at), version, 'duplicate version'));
    else for (const wrong of dns1035LabelFaults(version)) faults.push(fieldInvalid(path.index(at), version, wrong));
    seen.add(version);
  }
  if (!versions.some((version) => reviewVersions.includes(version)))
    faults.push(fieldInvalid(path, versions, `must include at least one of ${reviewVersions.join(', ')}`));
  return faults;
}
