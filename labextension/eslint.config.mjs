import js from '@eslint/js';
import hooks from 'eslint-plugin-react-hooks';
import tseslint from 'typescript-eslint';
import { shelves } from './eslint.shelves.mjs';

const caps = lines => ({
  'max-lines': ['error', { max: 400 }],
  'max-lines-per-function': ['error', { max: lines, skipComments: true, IIFEs: true }]
});

export default tseslint.config(
  { ignores: ['lib', 'node_modules', 'src/schema', '*.mjs', 'vitest.config.ts'] },
  js.configs.recommended,
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: {
      parserOptions: { project: './tsconfig.json', tsconfigRootDir: import.meta.dirname }
    },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    plugins: { agor: { rules: { shelves } }, 'react-hooks': hooks },
    rules: {
      'agor/shelves': 'error',
      'react-hooks/rules-of-hooks': 'error',
      'react-hooks/exhaustive-deps': 'error',
      eqeqeq: 'error',
      'no-console': ['error', { allow: ['warn', 'error'] }],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-non-null-assertion': 'error',
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': ['error', { checksVoidReturn: { attributes: false } }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      // `() => doIt()` as a handler is plain; the rule would only add braces.
      '@typescript-eslint/no-confusing-void-expression': 'off',
      // An empty default (`const noop = () => {}`) says what it is.
      '@typescript-eslint/no-empty-function': 'off',
      // Token types and namespaces of JupyterLab are interfaces without a member at times.
      '@typescript-eslint/no-empty-object-type': 'off',
      ...caps(60)
    }
  },
  { files: ['src/**/*.tsx'], rules: caps(80) },
  { files: ['src/**/index.ts'], rules: { 'max-lines': ['error', { max: 40 }] } },
  { files: ['src/plugins/*.ts', 'src/plugins/*.tsx'], rules: { 'max-lines': ['error', { max: 80 }] } },
  {
    files: ['src/**/__tests__/**'],
    rules: {
      'max-lines-per-function': 'off',
      // A test reads what it has just made.
      '@typescript-eslint/no-non-null-assertion': 'off'
    }
  }
);
