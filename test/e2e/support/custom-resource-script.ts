import type { MatrixStep } from './matrix-script.ts';

const definition = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: crontabs.stable.example.test}
spec:
  group: stable.example.test
  scope: Namespaced
  names: {plural: crontabs, singular: crontab, kind: CronTab, shortNames: [ct], categories: [all]}
  versions:
  - name: v1
    served: true
    storage: true
    subresources:
      status: {}
      scale: {specReplicasPath: .spec.replicas, statusReplicasPath: .status.replicas, labelSelectorPath: .status.selector}
    additionalPrinterColumns:
    - {name: Schedule, type: string, jsonPath: .spec.schedule}
    - {name: Replicas, type: integer, jsonPath: .spec.replicas}
    - {name: Ready, type: string, jsonPath: '.status.conditions[?(@.type=="Ready")].status', priority: 1}
    selectableFields: [{jsonPath: .spec.image}]
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec:
            type: object
            description: What is wanted.
            required: [schedule]
            x-kubernetes-validations: [{rule: self.replicas <= self.limit, message: too many replicas}]
            properties:
              schedule: {type: string, description: When it runs., pattern: '^(\\d+|\\*)(\\s+(\\d+|\\*)){4}$'}
              image: {type: string}
              replicas: {type: integer, default: 1, maximum: 10}
              limit: {type: integer, default: 5}
              env:
                type: array
                x-kubernetes-list-type: map
                x-kubernetes-list-map-keys: [name]
                items: {type: object, required: [name], properties: {name: {type: string}, value: {type: string}}}
          status:
            type: object
            properties:
              replicas: {type: integer}
              selector: {type: string}
              conditions: {type: array, items: {type: object, properties: {type: {type: string}, status: {type: string}}}}
`;

const crontab = (spec: string): string => `apiVersion: stable.example.test/v1
kind: CronTab
metadata: {name: nightly}
spec: {schedule: "0 3 * * *", image: tool, ${spec}}
`;

const status = '{"status":{"replicas":2,"selector":"a=b","conditions":[{"type":"Ready","status":"True"}]}}';
const step = (args: string, more: Omit<MatrixStep, 'args' | 'code'> = {}): MatrixStep => ({ args: args.split(' '), code: 0, ...more });
const failing = (args: string, more: Omit<MatrixStep, 'args' | 'code'> = {}): MatrixStep => ({ ...step(args, more), code: 1 });

/** A definition, used from the moment it is applied, and gone again at the end. */
export const customResourceScript: readonly MatrixStep[] = [
  step('apply -f -', { input: definition }),
  step('wait crd/crontabs.stable.example.test --for=condition=Established --timeout=10s'),
  step('apply -f -', { input: crontab('env: [{name: A, value: "1"}]') }),
  step('get ct', { pick: /nightly 0 3 \* \* \* 1/ }),
  step('get crontabs.v1.stable.example.test nightly -o wide', { pick: /SCHEDULE REPLICAS READY/ }),
  step('get all', { pick: /crontab.stable.example.test\/nightly/ }),
  step('api-resources --api-group=stable.example.test --no-headers'),
  step('explain crontab.spec.schedule', { pick: /When it runs\./ }),
  step('explain ct --recursive', { pick: /schedule.*<string>/ }),
  step('get ct --field-selector=spec.image=tool -o name'),
  failing('get ct --field-selector=spec.limit=5'),
  step('patch ct nightly --type=merge -p {"spec":{"replicas":3}}'),
  step('scale ct/nightly --replicas=2'),
  step('get ct nightly --subresource=scale -o jsonpath={.spec.replicas}'),
  step(`patch ct nightly --subresource=status --type=merge -p ${status}`),
  step('wait ct/nightly --for=condition=Ready --timeout=10s'),
  step('get ct nightly -o jsonpath={.status.selector}/{.metadata.generation}/{.spec.limit}'),
  failing('patch ct nightly --type=merge -p {"spec":{"replicas":7}}', { pick: /is invalid: spec: Invalid value:.*too many replicas/ }),
  failing('patch ct nightly --type=merge -p {"spec":{"schedule":"never"}}', { pick: /spec.schedule in body should match/ }),
  failing('patch ct nightly --type=strategic -p {"spec":{"replicas":1}}', { show: 'code' }),
  failing('apply -f -', { input: crontab('colour: red'), pick: /unknown field "spec.colour"/ }),
  step('apply --server-side --force-conflicts -f -', { input: crontab('env: [{name: B, value: "2"}]') }),
  step('label ct nightly kind=cron'),
  step('get ct -l kind=cron -o name'),
  step('delete ct nightly'),
  step('delete crd crontabs.stable.example.test --timeout=20s'),
  failing('get ct', { show: 'code' }),
];
