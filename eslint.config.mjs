import tseslint from 'typescript-eslint';
import { allowedImports } from './scripts/packages.mjs';

const everyPackage = Object.keys(allowedImports);

/** One rule a package: its sources may import only what the table in scripts/packages.mjs allows. */
const importDirections = everyPackage.map((name) => ({
  files: [`packages/${name}/src/**/*.ts`],
  rules: {
    'no-restricted-imports': [
      'error',
      {
        patterns: [
          ...everyPackage
            .filter((other) => !allowedImports[name].includes(other))
            .map((other) => ({
              regex: `^@bayplan/${other}(/|$)`,
              message: `${name} may not import ${other}: see the table in scripts/packages.mjs. A new edge wants an ADR.`,
            })),
          { regex: '^@bayplan/[^/]+/(src|dist)', message: 'Import a package by its name: index.ts is its only door.' },
        ],
        ...(name === 'api'
          ? {
              paths: ['fs', 'net', 'http', 'child_process', 'path', 'os', 'crypto'].map((module) => ({
                name: `node:${module}`,
                message: 'api is pure: no Node.js modules.',
              })),
            }
          : {}),
      },
    ],
  },
}));

export default tseslint.config(
  { ignores: ['**/dist/**', '**/generated/**', '**/node_modules/**', '.cache/**', '**/*.mjs'] },
  ...tseslint.configs.strict,
  {
    files: ['**/*.ts'],
    languageOptions: { parserOptions: { projectService: false } },
    rules: {
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-non-null-assertion': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-extraneous-class': 'off',
      '@typescript-eslint/no-invalid-void-type': 'off',
      '@typescript-eslint/no-dynamic-delete': 'off',
      'no-empty': ['error', { allowEmptyCatch: false }],
      'max-lines': ['error', { max: 400, skipBlankLines: true, skipComments: true }],
      eqeqeq: 'error',
    },
  },
  { files: ['**/test/**/*.ts'], rules: { 'max-lines': ['error', { max: 800 }], '@typescript-eslint/no-non-null-assertion': 'off' } },
  ...importDirections,
);
