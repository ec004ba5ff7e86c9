import type { FieldDescriptor, ObjectDescriptor } from '../../schema/descriptor.ts';

/** A field of a message, or an inlined struct that is a message of its own. */
export type LayoutEntry =
  { readonly number: number; readonly field: FieldDescriptor } | { readonly number: number; readonly inner: MessageLayout };

/** A type as protobuf sees it. */
export interface MessageLayout {
  /** By falling number, the order in which they are written. */
  readonly entries: readonly LayoutEntry[];
  readonly byNumber: ReadonlyMap<number, LayoutEntry>;
}

const layouts = new WeakMap<ObjectDescriptor, MessageLayout>();

export function layoutOf(descriptor: ObjectDescriptor): MessageLayout {
  let layout = layouts.get(descriptor);
  if (!layout) {
    layout = layoutAt([...descriptor.fields.values()], 0);
    layouts.set(descriptor, layout);
  }
  return layout;
}

function layoutAt(fields: readonly FieldDescriptor[], depth: number): MessageLayout {
  const entries: LayoutEntry[] = [];
  const inlined = new Map<number, FieldDescriptor[]>();
  for (const field of fields) {
    const outer = field.inlinedIn[depth];
    // Fields without a number (a kind's apiVersion) do not travel.
    if (outer === undefined) {
      if (field.number > 0) entries.push({ number: field.number, field });
    } else inlined.set(outer, [...(inlined.get(outer) ?? []), field]);
  }
  for (const [number, inside] of inlined) entries.push({ number, inner: layoutAt(inside, depth + 1) });
  entries.sort((a, b) => b.number - a.number);
  return { entries, byNumber: new Map(entries.map((entry) => [entry.number, entry])) };
}
