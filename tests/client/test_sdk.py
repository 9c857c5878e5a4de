"""The SDK's own client: every request for a model is a call in the log, held for and settled."""

import json

import openai
import pytest
from pydantic import BaseModel

from aiops import track_costs
from aiops.calls.models import Call
from aiops.gateway.testing import Answer, Raw
from aiops.ledger.models import BudgetPeriod, Hold
from tests.client.sdk import ASK, CHAT, charged_at_its_hold, closed

WAV = b"RIFF\x24\x00\x00\x00WAVEfmt " + bytes(2000)


class Ticket(BaseModel):
    category: str
    urgent: bool


def test_a_chat_completion_is_a_call_in_the_log(use, provider):
    provider.reply_with("A payment taken back.")
    made = use(lambda sdk: sdk.chat.completions.create(**CHAT, temperature=0.5))
    assert isinstance(made, openai.types.chat.ChatCompletion)
    row = closed()
    assert (row.operation, row.status, row.error_kind) == ("completion", "succeeded", "")
    assert (row.connection, row.model_asked, row.model_answered) == ("default", "gpt-6-luna", "gpt-6-luna")
    assert (row.messages, row.output) == (ASK, "A payment taken back.")
    assert row.parameters == {"temperature": 0.5, "max_completion_tokens": 50}
    assert (row.tokens_in, row.tokens_out) == (made.usage.prompt_tokens, made.usage.completion_tokens)
    assert row.cost > 0
    assert row.price["model"] == "gpt-6-luna"
    assert row.total_ms >= row.first_byte_ms >= 0
    assert row.provider_request_id == made._request_id
    assert row.attempt_count == 1


def test_parsed_chats_and_responses_are_calls_as_well(use, provider):
    provider.reply_with(*[{"category": "card", "urgent": True}] * 2)
    chat = use(lambda sdk: sdk.chat.completions.parse(**CHAT, response_format=Ticket))
    assert chat.choices[0].message.parsed == Ticket(category="card", urgent=True)
    assert json.loads(closed().output) == {"category": "card", "urgent": True}
    Call.objects.all().delete()
    use(lambda sdk: sdk.responses.parse(model="gpt-6-luna", input="Sort it.", text_format=Ticket))
    assert json.loads(Call.objects.get().output) == {"category": "card", "urgent": True}


def test_a_response_is_a_call_in_the_log(use, provider):
    provider.reply_with("A payment taken back.")
    made = use(lambda sdk: sdk.responses.create(model="gpt-6-luna", input=ASK, instructions="Be brief."))
    assert made.output_text == "A payment taken back."
    row = closed()
    assert (row.operation, row.messages, row.output) == ("completion", ASK, "A payment taken back.")
    assert row.parameters == {"instructions": "Be brief.", "max_output_tokens": 8192}
    assert (row.tokens_in, row.tokens_out) == (made.usage.input_tokens, made.usage.output_tokens)
    assert row.cost > 0


def test_functions_that_the_model_wants_called_are_in_the_log(use, provider):
    provider.reply_with(Answer(tool_calls=[("weather", {"city": "Bern"})]))
    tools = [{"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}]
    use(lambda sdk: sdk.chat.completions.create(**CHAT, tools=tools))
    assert closed().data["tool_calls"][0]["name"] == "weather"


def test_embeddings_are_calls(use):
    made = use(lambda sdk: sdk.embeddings.create(model="text-embedding-3-small", input=["one", "two"]))
    assert len(made.data) == 2
    row = closed()
    assert (row.operation, row.tokens_in) == ("embedding", made.usage.prompt_tokens)
    assert row.messages == [{"role": "input", "content": ["one", "two"]}]
    assert row.cost > 0


def test_moderations_are_calls_that_cost_nothing(use):
    made = use(lambda sdk: sdk.moderations.create(input="You fool."))
    assert len(made.results) == 1
    row = closed(settled=0)
    assert (row.operation, row.cost) == ("moderation", 0)


def test_decisions_are_calls_held_for_once_a_question(use):
    questions = [{"type": "predicate", "instructions": f"Is it about {what}?"} for what in ("a card", "cash", "rain")]
    made = use(lambda sdk: sdk.decisions.create(model="gpt-6-luna", input="word " * 500, questions=questions))
    assert len(made.answers) == 3
    row = closed()
    assert (row.operation, row.status, row.parameters) == ("decision", "succeeded", {"questions": questions})
    assert row.cost > 0
    # At a tenth of a dollar for a million tokens: the text thrice.
    assert Hold.objects.get().amount > 3 * 2500 * 100


def test_a_recording_is_a_call(use, provider):
    provider.reply_with("Good day.")
    made = use(
        lambda sdk: sdk.audio.transcriptions.create(
            model="gpt-4o-mini-transcribe", file=("call.wav", WAV), prompt="Bank"
        )
    )
    assert made.text == "Good day."
    row = closed()
    assert (row.operation, row.model_asked, row.output) == ("transcription", "gpt-4o-mini-transcribe", "Good day.")
    assert "RIFF" not in str(row.messages)
    assert provider.requests[0].files[0].size == len(WAV)


def test_speech_is_a_call_counted_by_its_characters(use):
    made = use(lambda sdk: sdk.audio.speech.create(model="tts-1", voice="alloy", input="Good day."))
    assert len(made.content) > 100
    row = closed()
    assert (row.operation, row.status, row.input_characters) == ("speech", "succeeded", 9)
    assert row.cost == 9 * 15_000
    assert row.output == ""


def test_speech_that_is_saved_as_it_comes_is_a_call(use, way, tmp_path):
    where = tmp_path / "said.mp3"
    asked = {"model": "tts-1", "voice": "alloy", "input": "Good day."}

    def blocking(sdk):
        with sdk.audio.speech.with_streaming_response.create(**asked) as said:
            said.stream_to_file(where)

    async def awaited(sdk):
        async with sdk.audio.speech.with_streaming_response.create(**asked) as said:
            await said.stream_to_file(where)

    use(blocking if way == "blocking" else awaited)
    assert where.stat().st_size > 100
    assert closed().status == "succeeded"


def test_the_raw_response_is_there_and_logged(use, provider):
    provider.reply_with("Fine.")
    raw = use(lambda sdk: sdk.chat.completions.with_raw_response.create(**CHAT))
    assert raw.headers["x-ratelimit-remaining-requests"] == "9999"
    assert raw.parse().choices[0].message.content == "Fine."
    assert closed().output == "Fine."


def test_a_response_that_is_read_piece_by_piece_is_logged(use, way, provider):
    provider.reply_with("Fine.")

    def blocking(sdk):
        with sdk.chat.completions.with_streaming_response.create(**CHAT) as response:
            return b"".join(response.iter_bytes())

    async def awaited(sdk):
        async with sdk.chat.completions.with_streaming_response.create(**CHAT) as response:
            return b"".join([piece async for piece in response.iter_bytes()])

    told = use(blocking if way == "blocking" else awaited)
    assert json.loads(told)["choices"][0]["message"]["content"] == "Fine."
    assert closed().output == "Fine."


def test_a_response_whose_body_nobody_reads_is_closed_as_well(use, way):
    def blocking(sdk):
        with sdk.chat.completions.with_streaming_response.create(**CHAT) as response:
            return response.headers

    async def awaited(sdk):
        async with sdk.chat.completions.with_streaming_response.create(**CHAT) as response:
            return response.headers

    use(blocking if way == "blocking" else awaited)
    assert charged_at_its_hold().error_kind == "abandoned"


def test_what_asks_nothing_of_a_model_is_no_call(use, way):
    def both(sdk):
        made = sdk.files.create(file=("a.txt", b"words"), purpose="user_data")
        return made, sdk.models.list()

    async def awaited(sdk):
        made, models = both(sdk)
        made = await made
        found = await sdk.files.retrieve(made.id)
        await sdk.files.delete(made.id)
        return found, [one.id async for one in models]

    def blocking(sdk):
        made, models = both(sdk)
        found = sdk.files.retrieve(made.id)
        sdk.files.delete(made.id)
        return found, [one.id for one in models]

    found, models = use(blocking if way == "blocking" else awaited)
    assert (found.filename, models) == ("a.txt", ["gpt-6-luna"])
    assert not Call.objects.exists()
    assert not BudgetPeriod.objects.exists()


@pytest.mark.parametrize("content_type", ["application/json", "text/event-stream", "text/html"])
def test_the_answer_is_byte_for_byte_that_of_the_sdk_without_us(use, provider, content_type):
    body = b'\xef\xbb\xbf{"choices" :\r\n [], "x": "\xff\x00\xf0\x9f\x8e\x89"}\n\ndata: {"choices": []}\n\n' * 100
    headers = {"x-own": "yes", "x-request-id": "req_1"}
    provider.when(lambda request: True, Raw(body, content_type=content_type, headers=headers))

    def ask(sdk):
        return sdk.chat.completions.with_raw_response.create(**CHAT)

    ours = use(ask)
    with openai.OpenAI(base_url=provider.base_url, api_key="stand-in") as bare:
        theirs = ask(bare)
    assert ours.content == theirs.content == body
    assert {**ours.headers, "date": ""} == {**theirs.headers, "date": ""}
    assert provider.requests[0].body == provider.requests[1].body


def test_costs_of_a_block_have_the_calls_of_the_sdk_in_them(use, provider):
    with track_costs() as spent:
        use(lambda sdk: sdk.chat.completions.create(**CHAT))
        use(lambda sdk: sdk.embeddings.create(model="text-embedding-3-small", input="one"))
    assert spent.nano_dollars == sum(Call.objects.values_list("cost", flat=True)) > 0
    assert (spent.calls, spent.unknown) == (2, 0)


@pytest.mark.parametrize("interface", ["chat", "responses", "output"])
def test_bytes_of_images_and_files_are_not_kept(use, interface):
    image = "data:image/png;base64," + "iVBORw0KGgo" * 50
    if interface == "chat":
        content = [{"type": "text", "text": "What is it?"}, {"type": "image_url", "image_url": {"url": image}}]
        use(lambda sdk: sdk.chat.completions.create(**{**CHAT, "messages": [{"role": "user", "content": content}]}))
    else:
        content = [
            {"type": "input_text", "text": "What is it?"},
            {"type": "input_image", "image_url": image},
            {"type": "input_file", "filename": "a.pdf", "file_data": image},
        ]
        asked = [{"role": "user", "content": content}]
        if interface == "output":
            called = {"type": "function_call", "call_id": "c1", "name": "look", "arguments": "{}"}
            asked = [*ASK, called, {"type": "function_call_output", "call_id": "c1", "output": content}]
        use(lambda sdk: sdk.responses.create(model="gpt-6-luna", input=asked))
    kept = json.dumps(Call.objects.get().messages)
    assert "iVBORw0KGgoiVBOR" not in kept
    assert "What is it?" in kept
    assert "data:image/png;base64 (429 bytes, sha256" in kept


def test_what_no_database_can_hold_is_kept_as_far_as_it_can(use, provider):
    provider.reply_with("nul \x00 and half \ud83d")
    asked = {**CHAT, "messages": [{"role": "user", "content": "nul \x00 and half"}]}
    use(lambda sdk: sdk.chat.completions.create(**asked, metadata={"a": "\x00"}))
    row = closed()
    assert row.messages[0]["content"] == "nul \ufffd and half"
    assert row.output == "nul \ufffd and half \ufffd"
