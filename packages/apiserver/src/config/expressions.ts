/** A CEL expression that was compiled. */
export interface CompiledExpression {
  /** The value as plain data: objects, arrays, strings, numbers, booleans, null. Throws on a runtime fault or when it costs too much. */
  evaluate(variables: Readonly<Record<string, unknown>>): unknown;
}

/** What compiles the expressions of configuration files. */
export interface ExpressionCompiler {
  /** `variables` are the names the expression may use. Throws an `Error` whose message says what is wrong. */
  compile(expression: string, variables: readonly string[]): CompiledExpression;
}

/** Loaded when the first expression is compiled. */
export const expressionCompiler: ExpressionCompiler = {
  compile() {
    throw new Error('CEL expressions are not supported yet');
  },
};
