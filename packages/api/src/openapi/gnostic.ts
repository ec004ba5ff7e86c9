import { ReverseWriter } from '../codec/protobuf/writer.ts';
import type { JsonSchema } from './definitions.ts';
import { openapiInfo, openapiV2Document } from './documents.ts';
import type { Pause } from './documents.ts';
import type { OpenApiResource } from './operations.ts';

// Field numbers of openapi.v2 as published in gnostic-models' OpenAPIv2.proto, by message.
const numbers = {
  document: { swagger: 1, info: 2, paths: 8, definitions: 9 },
  pathItem: { get: 2, put: 3, post: 4, delete: 5, options: 6, head: 7, patch: 8, parameters: 9 },
  operation: {
    tags: 1,
    description: 3,
    operationId: 5,
    produces: 6,
    consumes: 7,
    parameters: 8,
    responses: 9,
    schemes: 10,
    extensions: 13,
  },
  bodyParameter: { description: 1, name: 2, in: 3, required: 4, schema: 5 },
  query: { required: 1, in: 2, description: 3, name: 4, type: 6, uniqueItems: 20 },
  path: { required: 1, in: 2, description: 3, name: 4, type: 5, uniqueItems: 19 },
  schema: {
    $ref: 1,
    format: 2,
    title: 3,
    description: 4,
    default: 5,
    maximum: 7,
    minimum: 9,
    maxLength: 11,
    minLength: 12,
    pattern: 13,
    maxItems: 14,
    minItems: 15,
    uniqueItems: 16,
    required: 19,
    enum: 20,
    additionalProperties: 21,
    type: 22,
    items: 23,
    allOf: 24,
    properties: 25,
    extensions: 31,
  },
} as const;

const bytesInTurn = 128 * 1024;

/** Writes the content of a message. Reverse order: the last field first. */
type Content = () => void;

/** The `openapi.v2.Document` message, written backwards like every message of ours. */
class DocumentWriter {
  readonly writer = new ReverseWriter(1 << 20);

  #message(number: number, content: Content): void {
    const mark = this.writer.length;
    content();
    this.writer.lengthSince(mark, number);
  }

  #text(number: number, value: unknown): void {
    if (typeof value === 'string' && value !== '') this.writer.string(number, value);
  }

  #flag(number: number, value: unknown): void {
    if (value === true) this.writer.int(number, 1);
  }

  #texts(number: number, values: unknown): void {
    if (!Array.isArray(values)) return;
    for (const value of [...(values as unknown[])].reverse()) this.writer.string(number, String(value));
  }

  /** `Any`: the value as YAML, of which JSON is a part. */
  #any(number: number, value: unknown): void {
    this.#message(number, () => {
      this.writer.string(2, `${JSON.stringify(value)}\n`);
    });
  }

  /** Name in field 1, message in field 2: the form of all of gnostic's maps. */
  #named(number: number, name: string, content: Content): void {
    this.#message(number, () => {
      this.#message(2, content);
      this.writer.string(1, name);
    });
  }

  #extensions(number: number, object: JsonSchema): void {
    for (const [name, value] of Object.entries(object).reverse()) {
      if (!name.startsWith('x-')) continue;
      this.#named(number, name, () => {
        this.writer.string(2, `${JSON.stringify(value)}\n`);
      });
    }
  }

  async document(
    paths: Readonly<Record<string, JsonSchema>>,
    definitions: Readonly<Record<string, JsonSchema>>,
    pause: Pause,
  ): Promise<void> {
    const { swagger, info, paths: pathsNumber, definitions: definitionsNumber } = numbers.document;
    await this.#members(definitionsNumber, 1, definitions, pause, (schema) => {
      this.#schema(schema);
    });
    await this.#members(pathsNumber, 2, paths, pause, (item) => {
      this.#pathItem(item);
    });
    this.#message(info, () => {
      this.writer.string(2, openapiInfo.version);
      this.writer.string(1, openapiInfo.title);
    });
    this.writer.string(swagger, '2.0');
  }

  /** A message of many named ones, with pauses in between. */
  async #members(
    number: number,
    memberNumber: number,
    members: Readonly<Record<string, JsonSchema>>,
    pause: Pause,
    write: (member: JsonSchema) => void,
  ): Promise<void> {
    const mark = this.writer.length;
    let turn = mark;
    for (const [name, member] of Object.entries(members).reverse()) {
      this.#named(memberNumber, name, () => {
        write(member);
      });
      if (this.writer.length - turn < bytesInTurn) continue;
      turn = this.writer.length;
      await pause();
    }
    this.writer.lengthSince(mark, number);
  }

  #pathItem(item: JsonSchema): void {
    this.#parameters(numbers.pathItem.parameters, item['parameters']);
    for (const method of ['patch', 'head', 'options', 'delete', 'post', 'put', 'get'] as const) {
      const operation = item[method];
      if (operation !== undefined)
        this.#message(numbers.pathItem[method], () => {
          this.#operation(operation as JsonSchema);
        });
    }
  }

  #operation(operation: JsonSchema): void {
    const at = numbers.operation;
    this.#extensions(at.extensions, operation);
    this.#texts(at.schemes, operation['schemes']);
    this.#message(at.responses, () => {
      for (const [code, response] of Object.entries(operation['responses'] as Record<string, JsonSchema>).reverse()) {
        this.#named(1, code, () => {
          this.#message(1, () => {
            const schema = response['schema'];
            if (schema !== undefined)
              this.#message(2, () => {
                this.#message(1, () => {
                  this.#schema(schema as JsonSchema);
                });
              });
            this.#text(1, response['description']);
          });
        });
      }
    });
    this.#parameters(at.parameters, operation['parameters']);
    this.#texts(at.consumes, operation['consumes']);
    this.#texts(at.produces, operation['produces']);
    this.#text(at.operationId, operation['operationId']);
    this.#text(at.description, operation['description']);
    this.#texts(at.tags, operation['tags']);
  }

  #parameters(number: number, parameters: unknown): void {
    if (!Array.isArray(parameters)) return;
    for (const parameter of [...(parameters as JsonSchema[])].reverse()) {
      // ParametersItem, then Parameter, then the one of the place where it stands.
      this.#message(number, () => {
        this.#message(1, () => {
          if (parameter['in'] === 'body')
            this.#message(1, () => {
              this.#bodyParameter(parameter);
            });
          else
            this.#message(2, () => {
              this.#message(parameter['in'] === 'query' ? 3 : 4, () => {
                this.#plainParameter(parameter);
              });
            });
        });
      });
    }
  }

  #bodyParameter(parameter: JsonSchema): void {
    const at = numbers.bodyParameter;
    this.#message(at.schema, () => {
      this.#schema(parameter['schema'] as JsonSchema);
    });
    this.#flag(at.required, parameter['required']);
    this.#text(at.in, parameter['in']);
    this.#text(at.name, parameter['name']);
    this.#text(at.description, parameter['description']);
  }

  #plainParameter(parameter: JsonSchema): void {
    const at = parameter['in'] === 'query' ? numbers.query : numbers.path;
    this.#flag(at.uniqueItems, parameter['uniqueItems']);
    this.#text(at.type, parameter['type']);
    this.#text(at.name, parameter['name']);
    this.#text(at.description, parameter['description']);
    this.#text(at.in, parameter['in']);
    this.#flag(at.required, parameter['required']);
  }

  #schema(schema: JsonSchema): void {
    const at = numbers.schema;
    this.#extensions(at.extensions, schema);
    const properties = schema['properties'] as Record<string, JsonSchema> | undefined;
    if (properties) {
      this.#message(at.properties, () => {
        for (const [name, property] of Object.entries(properties).reverse())
          this.#named(1, name, () => {
            this.#schema(property);
          });
      });
    }
    for (const part of [...((schema['allOf'] as JsonSchema[] | undefined) ?? [])].reverse())
      this.#message(at.allOf, () => {
        this.#schema(part);
      });
    const items = schema['items'];
    if (items !== undefined)
      this.#message(at.items, () => {
        this.#message(1, () => {
          this.#schema(items as JsonSchema);
        });
      });
    if (typeof schema['type'] === 'string')
      this.#message(at.type, () => {
        this.#text(1, schema['type']);
      });
    this.#additionalProperties(schema['additionalProperties']);
    for (const value of [...((schema['enum'] as unknown[] | undefined) ?? [])].reverse()) this.#any(at.enum, value);
    this.#texts(at.required, schema['required']);
    this.#flag(at.uniqueItems, schema['uniqueItems']);
    this.#limits(schema);
    if (schema['default'] !== undefined) this.#any(at.default, schema['default']);
    this.#text(at.description, schema['description']);
    this.#text(at.title, schema['title']);
    this.#text(at.format, schema['format']);
    this.#text(at.$ref, schema['$ref']);
  }

  #additionalProperties(value: unknown): void {
    if (value === undefined) return;
    this.#message(numbers.schema.additionalProperties, () => {
      if (typeof value === 'boolean') this.writer.int(2, value ? 1 : 0);
      else
        this.#message(1, () => {
          this.#schema(value as JsonSchema);
        });
    });
  }

  /** What only schemas of custom resources have. */
  #limits(schema: JsonSchema): void {
    const at = numbers.schema;
    for (const name of ['minItems', 'maxItems'] as const) if (typeof schema[name] === 'number') this.writer.int(at[name], schema[name]);
    this.#text(at.pattern, schema['pattern']);
    for (const name of ['minLength', 'maxLength'] as const) if (typeof schema[name] === 'number') this.writer.int(at[name], schema[name]);
    for (const name of ['minimum', 'maximum'] as const) {
      if (typeof schema[name] !== 'number') continue;
      this.writer.double(schema[name]);
      this.writer.tag(at[name], 1);
    }
  }
}

/** The media type under which `/openapi/v2` is asked for in protobuf. */
export const openapiV2ProtobufMediaType = 'application/com.github.proto-openapi.spec.v2@v1.0+protobuf';

/** `/openapi/v2` as a gnostic `openapi.v2.Document`, the form that kubectl asks for. Nothing of it is kept. */
export async function openapiV2Protobuf(
  custom: readonly OpenApiResource[] = [],
  pause: Pause = () => Promise.resolve(),
): Promise<Uint8Array> {
  const { paths, definitions } = await openapiV2Document(custom, pause);
  const out = new DocumentWriter();
  await out.document(paths, definitions, pause);
  return out.writer.finish().slice();
}
