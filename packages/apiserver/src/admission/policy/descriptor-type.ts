import type { Descriptor, ObjectDescriptor, ScalarName } from '@bayplan/api';
import type { CelType, FieldType, ObjectType } from '@bayplan/cel';
import { boolType, bytesType, doubleType, dynType, escapeName, intType, listOf, mapOf, stringType, timestampType } from '@bayplan/cel';

const scalars: Readonly<Record<ScalarName, CelType>> = {
  string: stringType,
  bool: boolType,
  int32: intType,
  int64: intType,
  float64: doubleType,
  bytes: bytesType,
  // Kubernetes' schemas publish quantities as plain strings.
  quantity: stringType,
  intOrString: dynType,
  time: timestampType,
  microTime: timestampType,
};

const known = new WeakMap<ObjectDescriptor, ObjectType>();

/** The type of a descriptor's values in expressions. Fields are found when they are asked for, since types refer to each other in cycles. */
export function descriptorType(descriptor: Descriptor): CelType {
  switch (descriptor.type) {
    case 'scalar':
      return scalars[descriptor.scalar];
    case 'any':
      return dynType;
    case 'list':
      return listOf(descriptorType(descriptor.items));
    case 'map':
      return mapOf(stringType, descriptorType(descriptor.values));
    case 'object':
      return objectTypeOf(descriptor);
  }
}

function objectTypeOf(descriptor: ObjectDescriptor): ObjectType {
  const made = known.get(descriptor);
  if (made !== undefined) return made;
  const fields = new Map<string, FieldType | undefined>();
  const byName = new Map([...descriptor.fields.keys()].map((name) => [escapeName(name) ?? name, name]));
  const type: ObjectType = {
    kind: 'object',
    name: descriptor.name,
    names: () => [...byName.keys()],
    field(name) {
      // Policies see objects as they are: `object.metadata.namespace` works as well as its escaped form.
      if (!fields.has(name)) fields.set(name, fieldOf(descriptor, byName.get(name) ?? name));
      return fields.get(name);
    },
  };
  known.set(descriptor, type);
  return type;
}

function fieldOf(descriptor: ObjectDescriptor, name: string | undefined): FieldType | undefined {
  const field = name === undefined ? undefined : descriptor.fields.get(name);
  if (field === undefined || name === undefined) return undefined;
  return { type: descriptorType(field.value), json: name, required: field.required };
}
