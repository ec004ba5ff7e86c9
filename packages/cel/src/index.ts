export type { FunctionDeclaration, Overload, OverloadOptions } from './check/declarations.ts';
export { declare, global, member } from './check/declarations.ts';
export type { EnvironmentParts } from './check/environment.ts';
export { Environment } from './check/environment.ts';
export type { Range } from './cost/estimates.ts';
export type { Bindings } from './eval/frame.ts';
export type { AccessAnswer, AccessOracle, AccessQuestion } from './library/authorizer.ts';
export { authorizerType, AwaitsAnswer, CelAuthorizer, resourceCheckType } from './library/authorizer.ts';
export { baseEnvironment } from './library/base.ts';
export type { Compilation, Evaluation, EvaluateOptions } from './program.ts';
export { compile, perCallCostLimit, Program } from './program.ts';
export { checkSchemaRules, costText } from './schema/check-rules.ts';
export { escapeName } from './schema/escape.ts';
export type { CelSchema, ValidationRule } from './schema/json-schema.ts';
export { evaluateMessage } from './schema/run-rules.ts';
export type { RulesResult } from './schema/schema-rules.ts';
export { compileSchemaRules, objectCostBudget, SchemaRules } from './schema/schema-rules.ts';
export { schemaType } from './schema/schema-type.ts';
export type { Issue } from './syntax/source.ts';
export type { CelType, FieldType, ListType, MapType, ObjectType, OpaqueType, SimpleType } from './types/types.ts';
export {
  boolType,
  bytesType,
  doubleType,
  durationType,
  dynType,
  intType,
  listOf,
  mapOf,
  nullType,
  objectType,
  opaqueOf,
  optionalOf,
  stringType,
  timestampType,
  typeText,
  uintType,
} from './types/types.ts';
export { fromJson } from './values/json.ts';
export { StructValue } from './values/struct.ts';
export { toJson } from './values/to-json.ts';
export type { EvalValue, Value } from './values/value.ts';
export { CelError, CelList, CelMap, CelObject, CelOptional } from './values/value.ts';
