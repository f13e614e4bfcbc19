# Every task of the project. `uv run --extra dev just --list` shows them.

uv := env("UV", "uv")
run := uv + " run --extra dev"

# What newcomers want first: the street, the boxes, the hub and the console, on this machine
demo *args:
    {{ uv }} run --extra demo saqshy demo {{ args }}

# Everything a change must pass: style, types, structure, texts, tests with branch coverage
check: lint types structure test

# Style and spelling
lint:
    {{ run }} ruff check .
    {{ run }} ruff format --check .
    {{ run }} codespell
    {{ run }} deptry .

# Types: strict where decisions are made and on the hub
types:
    {{ run }} pyright

# Who may import whom
structure:
    {{ run }} lint-imports

# The quick tests, with branch coverage
test *args:
    {{ run }} pytest -m "not slow" --cov --cov-report=term:skip-covered {{ args }}

# Debian's packages for the tests that need them: PostgreSQL, Chromium, GStreamer's RTSP server (as root only)
system:
    bash tests/install-system.sh

# All tests, console and older runtime included, three at a time; says which it skipped and why
test-all: system console lint types structure test-tflite
    {{ run }} pytest -p no:randomly -n 3 --dist loadgroup --cov --cov-report=term:skip-covered --durations=15

# The console: types and its own tests
console:
    {{ run }} python hatch_build.py check

# The loader's contract on tflite-runtime, in an environment of its own
test-tflite:
    UV_PROJECT_ENVIRONMENT=.venv-tflite {{ uv }} run --extra edge-tflite --with pytest --with pytest-timeout pytest -q -p no:randomly tests/contract/test_model_runtime.py

# Measure the box and the hub as docs/ref/performance.md states them
bench:
    {{ run }} python -m tests.bench

# Write the wire's golden bytes anew; only after a new contract version
golden:
    {{ run }} python -m tests.golden.write

# The README's and the guide's pictures, taken from the running product
pictures:
    {{ run }} python -m tests.browser.screenshots docs/img

# Draw, train, export and measure the demo model, in an environment of its own (an hour or two)
train-demo-model folder=(env("HOME") / ".cache/saqshy/training"):
    PYTHONPATH=. {{ uv }} run --project training python -m training.pictures {{ folder }}/pictures 1 0 96
    PYTHONPATH=. {{ uv }} run --project training python -m training.train {{ folder }}/pictures {{ folder }}/rounds 1
    PYTHONPATH=. {{ uv }} run --project training python -m training.export {{ folder }}/rounds/round-4.weights.h5 {{ folder }}/pictures edge_agent/inference/models/demo 1
    PYTHONPATH=. {{ uv }} run --project training python -m training.measure edge_agent/inference/models/demo edge_agent/inference/models/demo/quality.json 900 6
