import type { Outcome } from '../../chain/outcome.ts';
import { objectIn } from '../../chain/encode.ts';
import { contentTypeOf, parseJson, parseYaml } from '../body.ts';
import { decodeAs, descriptorOf, toStored } from '../decode-object.ts';
import { patched } from '../patches.ts';
import type { VerbCall } from './services.ts';
import { changeObject } from './update.ts';
import { writeOptions } from './write-options.ts';

/** PATCH of an object or of a part of it. */
export async function patchObject(call: VerbCall): Promise<Outcome> {
  const { context, resource } = call;
  const options = writeOptions(context);
  const contentType = contentTypeOf(context);
  const patch = await readPatch(call, contentType);
  const stored = await changeObject(call, options, (current) => {
    const next = patched(contentType, objectIn(resource, current), patch, descriptorOf(resource));
    return toStored(resource, structuredClone(decodeAs(context, resource, next, options.fieldValidation)));
  });
  return { kind: 'object', status: 200, resource, object: stored };
}

async function readPatch(call: VerbCall, contentType: string): Promise<unknown> {
  const { body } = call.context.request;
  if (body.kind === 'object') return body.value;
  if (body.kind === 'none') return {};
  const bytes = await body.read();
  return contentType === 'application/apply-patch+yaml' ? parseYaml(bytes) : parseJson(bytes);
}
