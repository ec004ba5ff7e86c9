import { notAcceptable } from '@bayplan/api';

export type MediaType = 'application/json' | 'application/yaml' | 'application/vnd.kubernetes.protobuf';

/** How an answer is to be written. */
export interface Representation {
  readonly mediaType: MediaType;
  /** `Table`, `PartialObjectMetadata` or `PartialObjectMetadataList` of `meta.k8s.io/v1`; undefined for the object itself. */
  readonly as: 'Table' | 'PartialObjectMetadata' | 'PartialObjectMetadataList' | undefined;
  readonly pretty: boolean;
}

const protobuf = 'application/vnd.kubernetes.protobuf';
const mediaTypes: readonly MediaType[] = ['application/json', 'application/yaml', 'application/vnd.kubernetes.protobuf'];
const transforms = new Set(['Table', 'PartialObjectMetadata', 'PartialObjectMetadataList']);

/**
 * The first acceptable way, in the client's order. Throws `NotAcceptable`, unless `lenient`: plain paths
 * such as OpenAPI have media types of their own and look at the header themselves. Custom resources have no
 * protobuf form.
 */
export function negotiate(
  accept: string | undefined,
  query: URLSearchParams,
  userAgent: string | undefined,
  offer: { readonly lenient?: boolean; readonly withoutProtobuf?: boolean } = {},
): Representation {
  const pretty = isPretty(query.get('pretty'), userAgent);
  if (accept === undefined || accept === '') return { mediaType: 'application/json', as: undefined, pretty };
  for (const clause of clausesOf(accept)) {
    const mediaType = mediaTypes.find((type) => clause.type === type || clause.type === '*/*' || clause.type === 'application/*');
    if (mediaType === undefined) continue;
    const as = clause.parameters.get('as');
    if (as === undefined && offer.withoutProtobuf === true && mediaType === protobuf) continue;
    if (as === undefined) return { mediaType, as: undefined, pretty };
    const known = clause.parameters.get('g') === 'meta.k8s.io' && clause.parameters.get('v') === 'v1' && transforms.has(as);
    // Tables have no protobuf form.
    if (as === 'Table' && mediaType === protobuf) continue;
    if (known) return { mediaType, as: as as 'Table', pretty };
  }
  if (offer.lenient === true) return { mediaType: 'application/json', as: undefined, pretty };
  throw notAcceptable(offer.withoutProtobuf === true ? mediaTypes.filter((type) => type !== protobuf) : mediaTypes);
}

export interface AcceptClause {
  readonly type: string;
  readonly parameters: ReadonlyMap<string, string>;
}

/** Splits an Accept header, best quality first, otherwise in the client's order. */
export function clausesOf(accept: string): AcceptClause[] {
  const clauses = accept.split(',').map((part) => {
    const [type = '', ...rest] = part.split(';').map((piece) => piece.trim());
    const parameters = new Map<string, string>();
    for (const piece of rest) {
      const equals = piece.indexOf('=');
      if (equals > 0) parameters.set(piece.slice(0, equals).toLowerCase(), piece.slice(equals + 1).replace(/^"|"$/g, ''));
    }
    return { type: type.toLowerCase(), parameters };
  });
  const quality = (clause: AcceptClause): number => {
    const given = Number(clause.parameters.get('q') ?? '1');
    return Number.isNaN(given) ? 1 : given;
  };
  return clauses.sort((a, b) => quality(b) - quality(a));
}

/** Browsers and curl get indented JSON unless they say otherwise. */
function isPretty(value: string | null, userAgent: string | undefined): boolean {
  if (value !== null) return value !== '0' && value !== 'false';
  return userAgent !== undefined && /^(curl|Wget|Mozilla\/)/.test(userAgent);
}
