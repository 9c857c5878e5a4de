"""Each token in one bucket."""

import pytest

from aiops.gateway.usage import Usage, usage_of_chat


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ({"prompt_tokens": 10, "completion_tokens": 4}, Usage(input_tokens=10, output_tokens=4)),
        (
            {
                "prompt_tokens": 100,
                "completion_tokens": 50,
                "prompt_tokens_details": {"cached_tokens": 60, "cache_write_tokens": 10, "audio_tokens": 5},
                "completion_tokens_details": {"reasoning_tokens": 30, "audio_tokens": None},
            },
            Usage(
                input_tokens=25,
                cached_tokens=60,
                cache_write_tokens=10,
                input_audio_tokens=5,
                output_tokens=20,
                reasoning_tokens=30,
            ),
        ),
        (
            {"prompt_tokens": 10, "completion_tokens": 4, "prompt_tokens_details": None},
            Usage(input_tokens=10, output_tokens=4),
        ),
        (None, None),
        ({}, None),
        ({"prompt_tokens": 10}, None),
        ({"prompt_tokens": -1, "completion_tokens": 4}, None),
        ({"prompt_tokens": True, "completion_tokens": 4}, None),
        ({"prompt_tokens": "10", "completion_tokens": 4}, None),
        ({"prompt_tokens": 10, "completion_tokens": 4, "prompt_tokens_details": {"cached_tokens": 11}}, None),
        ({"prompt_tokens": 10, "completion_tokens": 4, "prompt_tokens_details": {"cached_tokens": -1}}, None),
    ],
)
def test_buckets_of_a_chat_completion(raw, expected):
    assert usage_of_chat(raw) == expected


def test_buckets_add_up_to_what_was_reported():
    usage = usage_of_chat(
        {
            "prompt_tokens": 100,
            "completion_tokens": 50,
            "prompt_tokens_details": {"cached_tokens": 60},
            "completion_tokens_details": {"reasoning_tokens": 30},
        }
    )
    assert (usage.tokens_in, usage.tokens_out) == (100, 50)
