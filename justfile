# The one door: `just check`, `just test`, `just bench`. `scripts/test` installs what they need.

python := if path_exists(".venv/bin/python") == "true" { ".venv/bin/python" } else { "python" }

# Say what there is.
default:
    @just --list

# Ruff, mypy, import-linter, ESLint, tsc, and the generated schema is up to date.
check:
    {{python}} -m ruff check .
    {{python}} -m ruff format --check .
    {{python}} -m mypy
    {{python}} -c "from importlinter.cli import lint_imports_command; lint_imports_command()"
    {{python}} build_js.py run lint
    {{python}} scripts/schema --check
    {{python}} scripts/reference --check

# Vitest, then pytest with its browser stories.
test *arguments:
    {{python}} build_js.py run test
    {{python}} scripts/run_tests {{arguments}}

# All benchmarks in one run: a table and a drawing in benchmarks/results.
bench *arguments:
    {{python}} -m benchmarks {{arguments}}

# Build the panel and link it into the environment.
build:
    {{python}} build_js.py run build:prod
    jupyter-builder develop . --overwrite

# Write the OpenAPI document, the front end's types and the golden stories anew.
generate:
    {{python}} scripts/schema
    {{python}} scripts/reference
    PYTHONPATH=. {{python}} tests/domain/stories.py
