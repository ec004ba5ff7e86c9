import { fieldDuplicate, fieldInvalid, fieldRequired } from '@bayplan/api';
import type { ConfigNode } from '../config/config-node.ts';
import type { CompiledExpression, ExpressionCompiler } from '../config/expressions.ts';

/** A claim as it is, with a prefix, or what an expression makes of all claims. */
export type Mapping =
  | { readonly kind: 'claim'; readonly claim: string; readonly prefix: string }
  | { readonly kind: 'expression'; readonly text: string; readonly compiled: CompiledExpression };

export type ClaimRule = { readonly kind: 'claim'; readonly claim: string; readonly requiredValue: string } | ExpressionRule;

export interface ExpressionRule {
  readonly kind: 'expression';
  readonly text: string;
  readonly compiled: CompiledExpression;
  /** Empty: the expression itself tells what was wrong. */
  readonly message: string;
}

/** What makes a user of a token's claims. */
export interface ClaimConfiguration {
  readonly username: Mapping;
  readonly groups: Mapping | undefined;
  readonly uid: Mapping | undefined;
  readonly extra: readonly { readonly key: string; readonly text: string; readonly compiled: CompiledExpression }[];
  readonly claimRules: readonly ClaimRule[];
  readonly userRules: readonly ExpressionRule[];
}

const neverCompiled: CompiledExpression = {
  evaluate() {
    throw new Error('the expression did not compile');
  },
};
const usesEmail = /\bclaims\??\.email\b/;
const usesEmailVerified = /\bclaims\??\.\??email_verified\b/;

/** Reads rules and mappings of one issuer; faults go to the node. */
export function readClaims(node: ConfigNode, compiler: ExpressionCompiler): ClaimConfiguration {
  const compile: Compile = (at, text, variable, result) => {
    try {
      return compiler.compile(text, variable, result);
    } catch (error) {
      at.fault(fieldInvalid(at.where, text, (error as Error).message));
      return neverCompiled;
    }
  };
  const mappings = node.child('claimMappings').fields('username', 'groups', 'uid', 'extra');
  const username = readMapping(mappings.child('username'), compile, { prefix: true, required: true });
  const groups = readMapping(mappings.child('groups'), compile, { prefix: true, required: false });
  const uid = readMapping(mappings.child('uid'), compile, { prefix: false, required: false });
  const extra = readExtra(mappings, compile);
  const claimRules = readClaimRules(node, compile);
  if (username?.kind === 'expression' && usesEmail.test(username.text)) {
    const texts = [
      username.text,
      ...extra.map(({ text }) => text),
      ...claimRules.flatMap((rule) => (rule.kind === 'expression' ? [rule.text] : [])),
    ];
    if (!texts.some((text) => usesEmailVerified.test(text)))
      node.fault(
        fieldInvalid(
          mappings.child('username').child('expression').where,
          username.text,
          'claims.email_verified must be used in claimMappings.username.expression or claimMappings.extra[*].valueExpression or claimValidationRules[*].expression when claims.email is used in claimMappings.username.expression',
        ),
      );
  }
  return {
    username: username ?? { kind: 'claim', claim: '', prefix: '' },
    groups,
    uid,
    extra,
    claimRules,
    userRules: readUserRules(node, compile),
  };
}

type Compile = (at: ConfigNode, text: string, variable: 'claims' | 'user', result: 'bool' | 'any') => CompiledExpression;

function readMapping(
  node: ConfigNode,
  compile: Compile,
  rules: { readonly prefix: boolean; readonly required: boolean },
): Mapping | undefined {
  node.fields('claim', 'expression', ...(rules.prefix ? ['prefix'] : []));
  const claim = node.string('claim');
  const text = node.string('expression');
  const prefix = rules.prefix ? node.optionalString('prefix') : '';
  if (claim !== '' && text !== '') {
    node.fault(fieldInvalid(node.where, '', "claim and expression can't both be set"));
    return undefined;
  }
  if (text !== '') {
    if (rules.prefix && prefix !== undefined)
      node.fault(fieldInvalid(node.child('prefix').where, prefix, 'may not be specified when expression is set'));
    const at = node.child('expression');
    return { kind: 'expression', text, compiled: compile(at, text, 'claims', 'any') };
  }
  if (claim === '') {
    if (rules.required) node.fault(fieldRequired(node.where, 'claim or expression is required'));
    if (rules.prefix && prefix !== undefined && prefix !== '')
      node.fault(fieldInvalid(node.child('prefix').where, prefix, 'may not be specified when claim is not set'));
    return undefined;
  }
  if (prefix === undefined)
    node.fault(
      fieldRequired(
        node.child('prefix').where,
        'prefix is required when claim is set. It can be set to an empty string to disable prefixing',
      ),
    );
  return { kind: 'claim', claim, prefix: prefix ?? '' };
}

function readExtra(mappings: ConfigNode, compile: Compile): ClaimConfiguration['extra'] {
  const seen = new Set<string>();
  return mappings.list('extra').map((node) => {
    node.fields('key', 'valueExpression');
    const key = node.requiredString('key');
    const at = node.child('key').where;
    const [domain = '', path] = key.split('/', 2);
    if (key !== '' && (path === undefined || path === '' || !/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/i.test(domain)))
      node.fault(fieldInvalid(at, key, 'must be a domain-prefixed path (such as "acme.io/foo")'));
    if (key !== key.toLowerCase()) node.fault(fieldInvalid(at, key, 'must be lowercase'));
    if (path !== undefined && /(^|\.)(kubernetes|k8s)\.io$/.test(domain))
      node.fault(fieldInvalid(at, key, 'k8s.io, kubernetes.io and their subdomains are reserved for Kubernetes use'));
    if (seen.has(key)) node.fault(fieldDuplicate(at, key));
    seen.add(key);
    const text = node.requiredString('valueExpression');
    return { key, text, compiled: text === '' ? neverCompiled : compile(node.child('valueExpression'), text, 'claims', 'any') };
  });
}

function readClaimRules(parent: ConfigNode, compile: Compile): ClaimRule[] {
  const seen = new Set<string>();
  return parent.list('claimValidationRules').flatMap((node): ClaimRule[] => {
    node.fields('claim', 'requiredValue', 'expression', 'message');
    const claim = node.string('claim');
    const text = node.string('expression');
    const requiredValue = node.string('requiredValue');
    const message = node.string('message');
    if (claim !== '' && text !== '') node.fault(fieldInvalid(node.where, claim, "claim and expression can't both be set"));
    else if (claim === '' && text === '') node.fault(fieldRequired(node.where, 'claim or expression is required'));
    else if (claim !== '') {
      if (message !== '') node.fault(fieldInvalid(node.child('message').where, message, 'may not be specified when claim is set'));
      once(seen, node.child('claim'), claim);
      return [{ kind: 'claim', claim, requiredValue }];
    } else {
      if (requiredValue !== '')
        node.fault(fieldInvalid(node.child('requiredValue').where, requiredValue, 'may not be specified when expression is set'));
      once(seen, node.child('expression'), text);
      return [{ kind: 'expression', text, compiled: compile(node.child('expression'), text, 'claims', 'bool'), message }];
    }
    return [];
  });
}

function readUserRules(parent: ConfigNode, compile: Compile): ExpressionRule[] {
  const seen = new Set<string>();
  return parent.list('userValidationRules').map((node) => {
    node.fields('expression', 'message');
    const text = node.requiredString('expression');
    once(seen, node.child('expression'), text);
    const compiled = text === '' ? neverCompiled : compile(node.child('expression'), text, 'user', 'bool');
    return { kind: 'expression', text, compiled, message: node.string('message') };
  });
}

function once(seen: Set<string>, node: ConfigNode, text: string): void {
  const key = `${node.where.slice(node.where.lastIndexOf('.'))} ${text}`;
  if (seen.has(key)) node.fault(fieldDuplicate(node.where, text));
  seen.add(key);
}
