"""A language model of a few kilobytes that talks nonsense: a real file, for a real server, in no time.

It knows bytes and nothing else; a schema still holds, since the server's grammar decides what it may say.
"""

from __future__ import annotations

import random
import struct
from pathlib import Path

WIDTH, HEADS, HIDDEN = 32, 2, 64
TEMPLATE = "{% for m in messages %}{{ m['role'] }}: {{ m['content'] }}\n{% endfor %}assistant: "
UINT32, FLOAT32, STRING, ARRAY, INT32 = 4, 6, 8, 9, 5
NORMAL, UNKNOWN, CONTROL, BYTE = 1, 2, 3, 6


def write_tiny_model(path: Path, seed: int = 1) -> Path:
    """Write it as GGUF, version 3."""
    tokens = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256)), "▁"]
    kinds = [UNKNOWN, CONTROL, CONTROL, *[BYTE] * 256, NORMAL]
    facts = [
        text("general.architecture", "llama"),
        text("general.name", "tiny"),
        number("llama.context_length", 4096),
        number("llama.embedding_length", WIDTH),
        number("llama.block_count", 1),
        number("llama.feed_forward_length", HIDDEN),
        number("llama.attention.head_count", HEADS),
        number("llama.rope.dimension_count", WIDTH // HEADS),
        key("llama.attention.layer_norm_rms_epsilon") + struct.pack("<If", FLOAT32, 1e-5),
        text("tokenizer.ggml.model", "llama"),
        array("tokenizer.ggml.tokens", STRING, [packed(token) for token in tokens]),
        array("tokenizer.ggml.scores", FLOAT32, [struct.pack("<f", -float(i)) for i in range(len(tokens))]),
        array("tokenizer.ggml.token_type", INT32, [struct.pack("<i", kind) for kind in kinds]),
        number("tokenizer.ggml.bos_token_id", 1),
        number("tokenizer.ggml.eos_token_id", 2),
        text("tokenizer.chat_template", TEMPLATE),
    ]
    shapes = {"token_embd.weight": (WIDTH, len(tokens)), "output_norm.weight": (WIDTH,)}
    shapes |= {f"blk.0.{name}_norm.weight": (WIDTH,) for name in ("attn", "ffn")}
    shapes |= {f"blk.0.attn_{name}.weight": (WIDTH, WIDTH) for name in ("q", "k", "v", "output")}
    shapes |= {f"blk.0.ffn_{name}.weight": (WIDTH, HIDDEN) for name in ("gate", "up")}
    shapes |= {"blk.0.ffn_down.weight": (HIDDEN, WIDTH)}
    chance = random.Random(seed)
    described, data = b"", b""
    for name, shape in shapes.items():
        count = shape[0] * (shape[1] if len(shape) > 1 else 1)
        described += packed(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, 0, len(data))
        values = [1.0] * count if "norm" in name else [chance.gauss(0, 0.2) for _ in range(count)]
        data += struct.pack(f"<{count}f", *values)
        data += b"\0" * (-len(data) % 32)
    head = b"GGUF" + struct.pack("<IQQ", 3, len(shapes), len(facts)) + b"".join(facts) + described
    path.write_bytes(head + b"\0" * (-len(head) % 32) + data)
    return path


def packed(value: str) -> bytes:
    """A string as GGUF stores it."""
    return struct.pack("<Q", len(value.encode())) + value.encode()


def key(name: str) -> bytes:
    return packed(name)


def text(name: str, value: str) -> bytes:
    return key(name) + struct.pack("<I", STRING) + packed(value)


def number(name: str, value: int) -> bytes:
    return key(name) + struct.pack("<II", UINT32, value)


def array(name: str, kind: int, items: list[bytes]) -> bytes:
    return key(name) + struct.pack("<IIQ", ARRAY, kind, len(items)) + b"".join(items)
