import type { FieldError } from '../../errors/field-error.ts';
import { fieldForbidden, fieldInvalid, fieldNotSupported, fieldRequired } from '../../errors/field-error.ts';
import { FieldPath } from '../../errors/field-path.ts';
import type { IPBlock, NetworkPolicy, NetworkPolicyPeer, NetworkPolicyPort } from '../../generated/types.ts';
import { portNameFaults, portNumberFaults } from '../../names.ts';
import type { Faults, MaybeList } from '../faults.ts';
import { checkSyntax, eachOf } from '../faults.ts';
import { checkCidr, isInside, parseRange } from '../ip.ts';
import { validateLabelSelector } from '../object-meta.ts';

const spec = FieldPath.of('spec');

interface Leniency {
  readonly selectorValues: boolean;
  /** Ranges that the older object has. */
  readonly ranges: readonly string[];
}

function validatePort({ protocol, port, endPort }: NetworkPolicyPort, path: FieldPath, faults: Faults): void {
  if (protocol !== undefined && !['TCP', 'UDP', 'SCTP'].includes(protocol)) {
    faults.push(fieldNotSupported(path.child('protocol'), protocol, ['TCP', 'UDP', 'SCTP']));
  }
  const end = path.child('endPort');
  if (typeof port === 'number') {
    for (const fault of portNumberFaults(port)) faults.push(fieldInvalid(path.child('port'), port, fault));
    if (endPort === undefined) return;
    if (endPort < port) faults.push(fieldInvalid(end, endPort, 'must be greater than or equal to `port`'));
    for (const fault of portNumberFaults(endPort)) faults.push(fieldInvalid(end, endPort, fault));
  } else {
    const why = port === undefined ? 'not specified' : 'non-numeric';
    if (endPort !== undefined) faults.push(fieldInvalid(end, endPort, `may not be specified when \`port\` is ${why}`));
    if (port !== undefined) checkSyntax(port, portNameFaults, path.child('port'), faults);
  }
}

function validateBlock({ cidr, except }: IPBlock, lenient: Leniency, path: FieldPath, faults: Faults): void {
  if (!cidr) {
    faults.push(fieldRequired(path.child('cidr')));
    return;
  }
  checkCidr(cidr, path.child('cidr'), faults, lenient.ranges);
  const outer = parseRange(cidr);
  if (outer === undefined) return;
  eachOf(except, path.child('except'), (range, here) => {
    checkCidr(range, here, faults, lenient.ranges);
    const inner = parseRange(range);
    if (inner !== undefined && !isInside(inner, outer)) faults.push(fieldInvalid(here, range, 'must be a strict subset of `cidr`'));
  });
}

function validatePeer(peer: NetworkPolicyPeer, lenient: Leniency, path: FieldPath, faults: Faults): void {
  const { podSelector, namespaceSelector, ipBlock } = peer;
  validateLabelSelector(podSelector, path.child('podSelector'), faults, lenient.selectorValues);
  validateLabelSelector(namespaceSelector, path.child('namespaceSelector'), faults, lenient.selectorValues);
  if (ipBlock !== undefined) validateBlock(ipBlock, lenient, path.child('ipBlock'), faults);
  const selects = podSelector !== undefined || namespaceSelector !== undefined;
  if (!selects && ipBlock === undefined) faults.push(fieldRequired(path, 'must specify a peer'));
  else if (selects && ipBlock !== undefined) faults.push(fieldForbidden(path, 'may not specify both ipBlock and another peer'));
}

function validateSpec({ spec: wanted }: NetworkPolicy, lenient: Leniency, faults: Faults): void {
  validateLabelSelector(wanted?.podSelector, spec.child('podSelector'), faults, lenient.selectorValues);
  const check = (ports: MaybeList<NetworkPolicyPort>, peers: MaybeList<NetworkPolicyPeer>, side: 'from' | 'to', here: FieldPath): void => {
    eachOf(ports, here.child('ports'), (port, at) => {
      validatePort(port, at, faults);
    });
    eachOf(peers, here.child(side), (peer, at) => {
      validatePeer(peer, lenient, at, faults);
    });
  };
  eachOf(wanted?.ingress, spec.child('ingress'), ({ ports, from }, here) => {
    check(ports, from, 'from', here);
  });
  eachOf(wanted?.egress, spec.child('egress'), ({ ports, to }, here) => {
    check(ports, to, 'to', here);
  });
  const types = wanted?.policyTypes ?? [];
  if (types.length > 2) {
    faults.push(fieldInvalid(spec.child('policyTypes'), types, 'may not specify more than two policyTypes'));
    return;
  }
  eachOf(types, spec.child('policyTypes'), (type, here) => {
    if (type !== 'Ingress' && type !== 'Egress') faults.push(fieldNotSupported(here, type, ['Ingress', 'Egress']));
  });
}

export function validateNetworkPolicy(policy: NetworkPolicy, faults: Faults): void {
  validateSpec(policy, { selectorValues: false, ranges: [] }, faults);
}

export function validateNetworkPolicyUpdate(next: NetworkPolicy, old: NetworkPolicy, faults: Faults): void {
  const before: FieldError[] = [];
  validateLabelSelector(old.spec?.podSelector, spec.child('podSelector'), before);
  const peers = [...(old.spec?.ingress ?? []).flatMap(({ from }) => from ?? []), ...(old.spec?.egress ?? []).flatMap(({ to }) => to ?? [])];
  const ranges = peers.flatMap(({ ipBlock }) => (ipBlock === undefined ? [] : [ipBlock.cidr, ...(ipBlock.except ?? [])]));
  validateSpec(next, { selectorValues: before.length > 0, ranges }, faults);
}
