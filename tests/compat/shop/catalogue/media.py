from openai import OpenAI

client = OpenAI()  # found: client


def photo(path, description):
    return client.images.generate(model="gpt-image-1", prompt=description, size="1024x1024")  # found: images


def look_at(url):
    return client.chat.completions.create(  # found: vision
        model="gpt-4o",
        messages=[
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "What is on this photo?"},
                    {"type": "image_url", "image_url": {"url": url, "detail": "low"}},
                ],
            }
        ],
    )


def transcript(file):
    return client.audio.transcriptions.create(model="whisper-1", file=file, language="de").text  # found: transcription


def read_aloud(text, path):
    with client.audio.speech.with_streaming_response.create(model="tts-1", voice="alloy", input=text) as response:  # found: speech
        response.stream_to_file(path)


def is_harmless(text):
    return not client.moderations.create(input=text).results[0].flagged  # found: moderation


def keep(path):
    with open(path, "rb") as handle:
        return client.files.create(file=handle, purpose="user_data").id  # found: files


def fetch(file_id):
    return client.files.content(file_id).read()  # found: files


def forget(file_id):
    client.files.delete(file_id)  # found: files


def all_files():
    return [one.id for one in client.files.list()]  # found: files


def night_run(file_id):
    return client.batches.create(input_file_id=file_id, endpoint="/v1/chat/completions", completion_window="24h")  # found: batches


def vectors(texts):
    return [row.embedding for row in client.embeddings.create(model="text-embedding-3-small", input=texts).data]  # found: embeddings


def respond(text):
    return client.responses.create(model="gpt-5", input=text, instructions="Be brief.").output_text  # found: responses


def respond_by_stored_prompt(text):
    return client.responses.create(model="gpt-5", prompt={"id": "pmpt_123", "variables": {"text": text}})  # found: responses, stored_prompt


def chat_helper(messages):
    with client.chat.completions.stream(model="gpt-4o", messages=messages) as stream:  # found: stream
        for event in stream:
            yield event
