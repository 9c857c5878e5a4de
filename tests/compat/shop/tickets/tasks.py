"""Nothing here names the SDK."""
from shop.llm import LLMService

service = LLMService()


def classify(ticket):
    answer = service.client.chat.completions.create(  # found: chat
        messages=[{"role": "user", "content": ticket.text}],
        model=service.model,
        temperature=0.2,
    )
    return answer.choices[0].message.content


def vector(ticket):
    return service.embeddings.create(input=[ticket.text], model="text-embedding-3-small").data[0].embedding  # found: embeddings
