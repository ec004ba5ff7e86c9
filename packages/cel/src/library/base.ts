import { Environment } from '../check/environment.ts';
import { operatorFunctions } from './arithmetic.ts';
import { conversionFunctions } from './conversions.ts';
import { optionalFunctions } from './optional.ts';
import { standardFunctions, standardTypes } from './standard.ts';
import { timeFunctions } from './time.ts';

let made: Environment | undefined;

/** Everything that Kubernetes 1.36 lets every expression use; variables are added by `extend`. */
export function baseEnvironment(): Environment {
  made ??= new Environment({
    functions: [operatorFunctions, standardFunctions, conversionFunctions, timeFunctions, optionalFunctions].flat(),
    types: standardTypes,
  });
  return made;
}
