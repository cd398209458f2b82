"""What other people's Python stacks say about our messages, asked over JSON lines.

A request is {"op": "module.function", "args": {..}}, the reply {"ok": result} or {"error": text}. Text that begins with
0x stands for bytes, in both directions.
"""

import importlib
import json
import sys

MODULES = ("cbor", "objects", "regroup", "signed", "tokens", "wallet")


def from_json(value):
    if isinstance(value, dict):
        return {key: from_json(item) for key, item in value.items()}
    if isinstance(value, list):
        return [from_json(item) for item in value]
    if isinstance(value, str) and value.startswith("0x"):
        return bytes.fromhex(value[2:])
    return value


def to_json(value):
    if isinstance(value, dict):
        return {str(key): to_json(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_json(item) for item in value]
    return f"0x{value.hex()}" if isinstance(value, bytes) else value


def answer(request):
    module, function = request["op"].split(".")
    if module not in MODULES:
        raise LookupError(f"no module {module}")
    operation = getattr(importlib.import_module(module), function)
    return to_json(operation(**from_json(request["args"])))


for line in sys.stdin:
    try:
        reply = {"ok": answer(json.loads(line))}
    except Exception as error:  # whatever a library raises is its verdict
        reply = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(reply), flush=True)
