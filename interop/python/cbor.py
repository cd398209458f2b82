"""CBOR by cbor2: one item, nothing after it, and its canonical form."""

import io

import cbor2


def parse(item):
    stream = io.BytesIO(item)
    value = cbor2.load(stream)
    if stream.read():
        raise ValueError("bytes after the item")
    return value


def again(item):
    """Decoded and encoded once more: the same bytes if the item was canonical."""
    return cbor2.dumps(parse(item), canonical=True)
