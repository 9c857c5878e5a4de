"""One name for what each side calls otherwise."""

import pytest

from aiops.execution.reconciliation.names import model_in, naming


@pytest.mark.parametrize(
    ("line", "model"),
    [
        ("gpt-6-luna", "gpt-6-luna"),
        ("gpt-6-luna-2026-09-01", "gpt-6-luna"),
        ("gpt-6-luna-2026-09-01, input", "gpt-6-luna"),
        ("gpt-6-luna-2026-09-01, cached input", "gpt-6-luna"),
        ("gpt-6-astra, input_tokens", "gpt-6-astra"),
        ("gpt-5.6-luna, cache writes", "gpt-5.6-luna"),
        ("gpt-image-2-2026-04-21 image, cached input", "gpt-image-2"),
        ("gpt-audio-mini-2025-12-15 text, output", "gpt-audio-mini"),
        ("gpt-6-luna-2026-09-01 batch, output", "gpt-6-luna"),
        ("text-embedding-3-small, input", "text-embedding-3-small"),
        ("ft-gpt-4o-2024-08-06, output", "ft-gpt-4o"),
        ("ft:gpt-4o-2024-08-06:shop::8vB1", "ft-gpt-4o"),
        ("GPT-6-Luna", "gpt-6-luna"),
        ("evals | gpt-4o-mini-2024-07-18, input", "evals | gpt-4o-mini"),
        ("assistants api | file search", "assistants api | file search"),
        ("web search tool calls", "web search tool calls"),
        ("", ""),
    ],
)
def test_which_model_a_line_is_about(line, model):
    assert model_in(line) == model


def test_a_name_of_ones_own_for_what_the_provider_calls_otherwise():
    name_of = naming({"luna-eu": "gpt-6-luna-2026-09-01"})
    assert [name_of(line) for line in ("luna-eu, input", "gpt-6-luna", "luna")] == ["gpt-6-luna", "gpt-6-luna", "luna"]
