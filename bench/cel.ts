import { baseEnvironment, compile, compileSchemaRules, dynType, perCallCostLimit } from '@bayplan/cel';
import type { CelSchema, Program } from '@bayplan/cel';
import type { BenchContext, Numbers } from './support.ts';
import { percentile, runBenchmark } from './support.ts';

/** A custom resource with a list of a hundred elements. */
const object = {
  apiVersion: 'example.com/v1',
  kind: 'Example',
  metadata: { name: 'example', namespace: 'default', labels: { app: 'web' } },
  spec: {
    replicas: 3,
    maxReplicas: 10,
    items: Array.from({ length: 100 }, (_, position) => ({ name: `n${position.toString()}`, value: position })),
  },
};
const schema: CelSchema = {
  type: 'object',
  properties: {
    spec: {
      type: 'object',
      'x-kubernetes-validations': [
        { rule: 'self.replicas <= self.maxReplicas', message: 'too many' },
        { rule: 'self.items.all(item, item.name.startsWith("n") && item.value >= 0)' },
        { rule: 'oldSelf.replicas <= self.replicas + 5' },
      ],
      properties: {
        replicas: { type: 'integer' },
        maxReplicas: { type: 'integer' },
        items: {
          type: 'array',
          maxItems: 100,
          items: { type: 'object', properties: { name: { type: 'string', maxLength: 63 }, value: { type: 'integer' } } },
        },
      },
    },
  },
};

/** Keeps results alive, so that no call is left out. */
let kept: unknown;

const loop = 'self.spec.items.all(item, item.name.startsWith("n") && item.value >= 0)';
const small = 'self.spec.replicas <= 5 && !has(self.metadata.labels.forbidden)';
const ten = '[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]';
/** Expressions that would run for long if nothing stopped them. */
const endless: Readonly<Record<string, string>> = {
  loops: `${ten}.all(a, ${ten}.all(b, ${ten}.all(c, ${ten}.all(d, ${ten}.all(e, ${ten}.all(f, a + b + c + d + e + f >= 0))))))`,
  strings: `${ten}.map(a, ${ten}.map(b, ${ten}.map(c, ${ten}.map(d, ${ten}.map(e, "abcdefgh".replace("", "x").split("").join("-")))))).size() > 0`,
  regex: `${ten}.all(a, ${ten}.all(b, ${ten}.all(c, ${ten}.all(d, ${ten}.all(e, "aaaaaaaaaaaaaaaaaaaaaaaa!".matches("^(a+)+$") == false)))))`,
  lists: `${ten}.map(a, ${ten}.map(b, ${ten}.map(c, ${ten}.map(d, ${ten}.map(e, [a, b, c, d, e].sort()))))).size() > 0`,
};

function programOf(expression: string): Program {
  const compiled = compile(expression, baseEnvironment().extend({ variables: { self: dynType } }));
  if (!compiled.ok) throw new Error(compiled.text);
  return compiled.program;
}

/** Microseconds of processor time of one call, the median of rounds: on a busy machine the clock tells more of others. */
function timed(context: BenchContext, call: (round: number) => unknown): number {
  const rounds: number[] = [];
  const calls = context.quick ? 500 : 5000;
  for (let round = 0; round < 15; round += 1) {
    const start = process.cpuUsage();
    for (let index = 0; index < calls; index += 1) kept = call(index);
    const used = process.cpuUsage(start);
    rounds.push((used.user + used.system) / calls);
  }
  return percentile(rounds, 0.5);
}

/** The same as `loop`, by hand. */
function byHand(round: number): boolean {
  return object.spec.items.every((item) => item.name.startsWith('n') && item.value >= -round);
}

/**
 * What expressions cost: compiling one, evaluating a short one and a loop over a hundred elements, validating a custom
 * resource with three rules, and how long an expression can hold the event loop before its cost limit ends it.
 */
await runBenchmark('cel', (context) => {
  const [loopProgram, smallProgram] = [programOf(loop), programOf(small)];
  const rules = compileSchemaRules(schema);
  const metrics: Numbers = {
    compileMicroseconds: timed(context, () => programOf(small)),
    smallMicroseconds: timed(context, () => smallProgram.evaluate({ self: object })),
    loopMicroseconds: timed(context, () => loopProgram.evaluate({ self: object })),
    loopByHandMicroseconds: timed(context, byHand),
    objectRulesMicroseconds: timed(context, () => rules?.validate(object, object)),
  };
  context.log('cost limits');
  for (const [name, expression] of Object.entries(endless)) {
    const program = programOf(expression);
    const times = Array.from({ length: context.quick ? 3 : 9 }, () => {
      const start = process.cpuUsage();
      const result = program.evaluate({});
      if (result.ok || !result.exceeded) throw new Error(`${name} was not stopped`);
      if (result.cost > perCallCostLimit * 1.1) throw new Error(`${name} overshot its limit: ${result.cost.toString()}`);
      const used = process.cpuUsage(start);
      return (used.user + used.system) / 1000;
    });
    metrics[`${name}ToLimitMs`] = percentile(times, 0.5);
  }
  context.log(`the last result was ${typeof kept}`);
  const { loopMicroseconds = 0, loopByHandMicroseconds = 1 } = metrics;
  return { metrics, ratios: { loopToByHand: loopMicroseconds / loopByHandMicroseconds } };
});
