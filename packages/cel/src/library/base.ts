import { Environment } from '../check/environment.ts';
import { operatorFunctions } from './arithmetic.ts';
import { authorizerFunctions } from './authorizer.ts';
import { conversionFunctions } from './conversions.ts';
import { formatFunctions, formatType } from './formats.ts';
import { listFunctions } from './lists.ts';
import { cidrType, ipType, networkFunctions } from './network.ts';
import { optionalFunctions } from './optional.ts';
import { quantityFunctions, quantityType } from './quantity.ts';
import { semverFunctions, semverType } from './semver.ts';
import { standardFunctions, standardTypes } from './standard.ts';
import { stringFunctions } from './strings.ts';
import { timeFunctions } from './time.ts';
import { urlFunctions, urlType } from './url.ts';

let made: Environment | undefined;

/** Everything that Kubernetes 1.36 lets every expression use; variables are added by `extend`. */
export function baseEnvironment(): Environment {
  made ??= new Environment({
    functions: [
      operatorFunctions,
      standardFunctions,
      conversionFunctions,
      timeFunctions,
      optionalFunctions,
      stringFunctions,
      listFunctions,
      quantityFunctions,
      semverFunctions,
      networkFunctions,
      urlFunctions,
      formatFunctions,
      authorizerFunctions,
    ].flat(),
    types: [
      ...standardTypes,
      ...[quantityType, semverType, ipType, cidrType, urlType, formatType].map((type) => [type.name, type] as const),
    ],
  });
  return made;
}
