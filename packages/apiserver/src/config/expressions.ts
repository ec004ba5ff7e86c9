/** A CEL expression that was compiled. */
export interface CompiledExpression {
  /** The value as plain data: objects, arrays, strings, numbers, booleans, null. Throws on a runtime fault or when it costs too much. */
  evaluate(variables: Readonly<Record<string, unknown>>): unknown;
}

/** What the expressions of configuration files speak of. */
export type ExpressionVariable = 'claims' | 'user' | 'request';

/** What compiles the expressions of configuration files. */
export interface ExpressionCompiler {
  /** `variable` is the one that the expression may use. Throws an `Error` whose message says what is wrong. */
  compile(expression: string, variable: ExpressionVariable, result: 'bool' | 'any'): CompiledExpression;
}

/** Loads the expression engine, which servers without such files never need. */
export async function loadExpressionCompiler(): Promise<ExpressionCompiler> {
  const { createExpressionCompiler } = await import('./expression-compiler.ts');
  return createExpressionCompiler();
}
