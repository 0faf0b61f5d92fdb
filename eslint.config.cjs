const js = require("@eslint/js");
const globals = require("globals");

// Odoo's modules are ES modules that its own loader serves. The formatting is
// prettier's; these rules are about mistakes.
module.exports = [
  js.configs.recommended,
  {
    files: ["static/**/*.js"],
    languageOptions: {
      ecmaVersion: 2024,
      sourceType: "module",
      globals: {
        ...globals.browser,
        luxon: "readonly",
        odoo: "readonly",
        owl: "readonly",
      },
    },
    rules: {
      "array-callback-return": "error",
      complexity: ["error", 15],
      "dot-notation": "error",
      eqeqeq: "error",
      "no-alert": "error",
      "no-console": "error",
      "no-duplicate-imports": "error",
      "no-else-return": "error",
      "no-eval": "error",
      "no-implicit-coercion": ["error", {allow: ["!!"]}],
      "no-lonely-if": "error",
      "no-shadow": "error",
      "no-throw-literal": "error",
      "no-unneeded-ternary": "error",
      "no-use-before-define": ["error", {functions: false}],
      "no-useless-return": "error",
      "no-var": "error",
      "object-shorthand": "error",
      "operator-assignment": ["error", "always"],
      "prefer-const": "error",
      radix: "error",
      "spaced-comment": ["error", "always"],
      yoda: "error",
    },
  },
];
