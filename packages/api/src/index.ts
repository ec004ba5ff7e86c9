// The 600 generated interfaces are the one exception to "no export *": their names are Kubernetes' own.
export type * from './generated/types.ts';
export { builtinResources, resources } from './generated/resources.ts';
export type { KubeList, KubeObject, ResourceRef, WatchEvent } from './object.ts';
export { apiVersionOf, pathOf } from './object.ts';
export type { ResourceInfo, SubresourceInfo } from './resources.ts';
export { findResource, findResourceOfKind } from './resources.ts';
export { builtinTypeNames, descriptorAt, schemaFor, schemaOfType } from './schema/builtin.ts';
export type {
  AnyDescriptor,
  AnyName,
  Descriptor,
  FieldDescriptor,
  ListDescriptor,
  MapDescriptor,
  ObjectDescriptor,
  PatchStrategy,
  ScalarDescriptor,
  ScalarName,
} from './schema/descriptor.ts';
export type { AccessAttributes, GroupKind, GroupResource } from './errors/constructors.ts';
export {
  accessDenied,
  alreadyExists,
  applyConflict,
  badRequest,
  conflict,
  expired,
  expiredContinue,
  forbidden,
  generateNameConflict,
  gone,
  internalError,
  invalid,
  methodNotAllowed,
  methodNotSupported,
  notAcceptable,
  notFound,
  objectModified,
  pathNotFound,
  requestEntityTooLarge,
  serverTimeout,
  serviceUnavailable,
  timeout,
  tooLargeResourceVersion,
  tooManyRequests,
  unauthorized,
  unsupportedMediaType,
} from './errors/constructors.ts';
export type { FieldError, FieldErrorType } from './errors/field-error.ts';
export {
  fieldDuplicate,
  fieldErrorsText,
  fieldErrorText,
  fieldForbidden,
  fieldInternalError,
  fieldInvalid,
  fieldNotFound,
  fieldNotSupported,
  fieldRequired,
  fieldTooFew,
  fieldTooLong,
  fieldTooMany,
  fieldTooShort,
  fieldTypeInvalid,
} from './errors/field-error.ts';
export { FieldPath } from './errors/field-path.ts';
export {
  detailsOf,
  isAlreadyExists,
  isBadRequest,
  isConflict,
  isExpired,
  isFailureStatus,
  isForbidden,
  isInternalError,
  isInvalid,
  isMethodNotSupported,
  isNotAcceptable,
  isNotFound,
  isRequestEntityTooLarge,
  isServerTimeout,
  isServiceUnavailable,
  isTimeout,
  isTooManyRequests,
  isUnauthorized,
  isUnsupportedMediaType,
  reasonOf,
  retryAfterSecondsOf,
  statusOf,
} from './errors/guards.ts';
export type { FailureCause, FailureDetails, FailureStatus, StatusReason } from './errors/status.ts';
export { StatusError, statusError } from './errors/status.ts';
export {
  byteLength,
  cidrFaults,
  cIdentifierFaults,
  configMapKeyFaults,
  dns1035LabelFaults,
  dns1123LabelFaults,
  dns1123SubdomainFaults,
  environmentNameFaults,
  ipFamily,
  ipFaults,
  labelValueFaults,
  pathSegmentFaults,
  portNameFaults,
  portNumberFaults,
  qualifiedNameFaults,
  wildcardSubdomainFaults,
} from './names.ts';
export type { QuantityFormat } from './quantity.ts';
export { canonicalQuantity, formatBytes, formatMilli, isQuantity, milliOf, parseQuantity, Quantity, unitsOf } from './quantity.ts';
export type { FieldRequirement } from './selectors/field-selector.ts';
export { checkFieldLabels, FieldSelector, parseFieldSelector } from './selectors/field-selector.ts';
export type { Labels, Requirement, SelectorOperator } from './selectors/label-selector.ts';
export { everything, nothing, parseLabelSelector, Selector, selectorOf, selectorOfLabels } from './selectors/label-selector.ts';
export { formatDuration, formatMicroTime, formatTime, humanDuration, parseDuration, parseTime } from './time.ts';
export type { Decoded, DecodeOptions, FieldValidation } from './codec/decode.ts';
export { decodeJson, decodeObject, parseJson } from './codec/decode.ts';
export { isTooDeep, isValueTooDeep } from './codec/depth.ts';
export { findDuplicateFields } from './codec/duplicates.ts';
export { applyDefaults } from './defaults/apply-defaults.ts';
export { defaultPullPolicy } from './defaults/pod-spec.ts';
export { applySchemaDefaults } from './defaults/schema-defaults.ts';
export { customDescriptor } from './custom/custom-descriptor.ts';
export { customTable } from './custom/custom-table.ts';
export type { DefinitionChecks } from './custom/definition-faults.ts';
export { definitionFaults, storedVersionFaults } from './custom/definition-faults.ts';
export type { Earlier } from './custom/earlier.ts';
export { embeddedFaults } from './custom/embedded-faults.ts';
export { isKnownFormat } from './custom/formats.ts';
export { compileJsonPath, JsonPathError } from './custom/json-path.ts';
export { listFaults } from './custom/list-faults.ts';
export type { PatternMatcher } from './custom/schema-check.ts';
export { SchemaCheck } from './custom/schema-check.ts';
export { slimSchema } from './custom/slim-schema.ts';
export { applyJsonPatch } from './patch/json-patch.ts';
export { copyJson, sameJson } from './patch/json-value.ts';
export { applyMergePatch } from './patch/merge-patch.ts';
export { applyStrategicMergePatch } from './patch/strategic-merge-patch.ts';
export type { ResetFields, TrackUpdateInput } from './apply/managed-fields.ts';
export { trackUpdate } from './apply/managed-fields.ts';
export { managerOfUserAgent } from './apply/managers.ts';
export type { Applied, ApplyInput } from './apply/server-side-apply.ts';
export { serverSideApply } from './apply/server-side-apply.ts';
export { typedFailure, typedFaults } from './apply/typed-faults.ts';
export type { VersionView, VersionViews } from './apply/version-views.ts';
export { shapeOf } from './apply/typed-value.ts';
export { mergeValues } from './apply/walk.ts';
export type { JsonSchema } from './openapi/definitions.ts';
export { openapiHash, openapiV2, openapiV3, openapiV3Root } from './openapi/documents.ts';
export type { CustomPublication, OpenApiResource } from './openapi/operations.ts';
export type { ProtobufObject } from './codec/protobuf/envelope.ts';
export { decodeProtobuf, encodeProtobuf, encodeProtobufWatchEvent, isProtobuf, protobufMediaType } from './codec/protobuf/envelope.ts';
export { openapiV2Protobuf, openapiV2ProtobufMediaType } from './openapi/gnostic.ts';
export type { Cell, RowCondition, TableColumn } from './table/column.ts';
export type { PodSummary } from './table/pod-status.ts';
export { summarizePod } from './table/pod-status.ts';
export type { TablePrinter } from './table/table.ts';
export { tableFor } from './table/table.ts';
export { validateLabelSelector } from './validation/object-meta.ts';
export type { ValidatedKind } from './validation/validate.ts';
export type { Amounts } from './quota/amounts.ts';
export { addTo, amountsOf, amountsText, growth, noAmount, only, resourceListOf } from './quota/amounts.ts';
export type { QuotaEvaluator, QuotaScope } from './quota/evaluator.ts';
export { podLimits, podRequests } from './quota/pod-resources.ts';
export { evaluatorsOf, quotaEvaluatorFor, quotaMatches, scopesOf, usageOfQuota } from './quota/quota-usage.ts';
export type { SelectableNode } from './storage/node-selection.ts';
export { nodeSelectorMatches, termMatches } from './storage/node-selection.ts';
export {
  asksForDefaultClass,
  classOfClaim,
  classOfVolume,
  findVolume,
  isVolumeFor,
  volumeMismatch,
  volumeReaches,
} from './storage/volume-matching.ts';
export { loadValidation, validateCreate, validateStatusUpdate, validateUpdate, validateUpdateThrough } from './validation/validate.ts';
export { bindingFaults } from './validation/pods/pod.ts';
export type { QosClass } from './qos.ts';
export { qosClassOf } from './qos.ts';
export { dropDisabledFields } from './features/drop.ts';
export { defaultFeatureGates, features, parseFeatureGates } from './features/gates.ts';
export type { Feature, FeatureGates, FeatureStage } from './features/gates.ts';
export { warningsFor } from './warnings/warnings.ts';
