import json
import time

from shop.llm import LLMService, client, get_async_client, quick_client, short_lived_client

SYSTEM = "You sum up tickets."


def summarise(text):
    messages = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": text}]
    response = client.chat.completions.create(model="gpt-4o", messages=messages, temperature=0)  # found: chat
    return response.choices[0].message.content.strip()


async def summarise_async(text):
    response = await get_async_client().chat.completions.create(  # found: chat
        model="gpt-4o-mini",
        messages=[{"role": "user", "content": text}],
        max_tokens=200,
    )
    return response.choices[0].message.content


def triage(text):
    prompt = f"Answer with JSON only: category and priority.\n\n{text}"
    for attempt in range(3):  # found: retry
        try:
            response = quick_client().chat.completions.create(  # found: chat
                model="gpt-4o", messages=[{"role": "user", "content": prompt}], response_format={"type": "json_object"}
            )
            content = response.choices[0].message.content
            content = content.replace("```json", "").replace("```", "").strip()  # found: fences
            return json.loads(content)  # found: json
        except Exception:
            time.sleep(2**attempt)
    return None


def translate(text, language):
    with short_lived_client() as one:
        return one.chat.completions.create(model="gpt-4o", messages=[dict(role="user", content=text)], n=1)  # found: chat


def ask_service(question):
    return LLMService().complete([{"role": "user", "content": question}])


def stream_answer(messages):
    stream = client.chat.completions.create(model="gpt-4o", messages=messages, stream=True, stream_options={"include_usage": True})  # found: stream
    for chunk in stream:
        yield chunk.choices[0].delta.content or ""


def maybe_stream(messages, stream):
    return client.chat.completions.create(model="gpt-4o", messages=messages, stream=stream)  # found: chat


def all_summaries(tickets):
    for ticket in tickets:  # found: pacing
        ticket.summary = summarise(ticket.text)
        time.sleep(1)
