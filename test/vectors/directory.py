#!/usr/bin/env python3
"""Makes directory.json (directory.py > directory.json): directories, their bytes and refs. Shares no code with nomsy."""

import base64, hashlib, json, struct


def digest(chunk):
    return hashlib.sha256(chunk).digest()[:20]


def text(ref):
    hex32 = base64.b32encode(ref).decode()
    return hex32.translate(str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", "0123456789abcdefghijklmnopqrstuv"))


def sized(fixed, first, length):
    if fixed is not None and length < fixed[1]:
        return bytes([fixed[0] | length])
    for code, form, limit in zip(first, (">B", ">H", ">I"), (1 << 8, 1 << 16, 1 << 32)):
        if code is not None and length < limit:
            return bytes([code]) + struct.pack(form, length)


class Ref(bytes):
    pass


def encode(value):
    if value is None:
        return b"\xc0"
    if value is True:
        return b"\xc3"
    if isinstance(value, int):
        if value >= 0:
            return sized((0, 128), (0xCC, 0xCD, 0xCE), value) or b"\xcf" + struct.pack(">Q", value)
        for code, form, least in ((None, ">b", -32), (0xD0, ">b", -(1 << 7)), (0xD1, ">h", -(1 << 15)), (0xD2, ">i", -(1 << 31)), (0xD3, ">q", -(1 << 63))):
            if value >= least:
                return (b"" if code is None else bytes([code])) + struct.pack(form, value)
    if isinstance(value, str):
        data = value.encode()
        return sized((0xA0, 32), (0xD9, 0xDA, 0xDB), len(data)) + data
    if isinstance(value, Ref):
        return b"\xc7\x14\x01" + value
    if isinstance(value, bytes):
        return sized(None, (0xC4, 0xC5, 0xC6), len(value)) + value
    if isinstance(value, list):
        return sized((0x90, 16), (None, 0xDC, 0xDD), len(value)) + b"".join(map(encode, value))
    pairs = sorted((key.encode(), encode(key) + encode(item)) for key, item in value.items())
    return sized((0x80, 16), (None, 0xDE, 0xDF), len(pairs)) + b"".join(pair for _, pair in pairs)


def order(name):
    """nil, then text by its UTF-8 bytes, then bytes."""
    return (0, b"") if name is None else (1, name.encode()) if isinstance(name, str) else (2, name)


TABLE = [struct.unpack(">I", hashlib.sha256(f"nomsy/buzhash/{i}".encode()).digest()[:4])[0] for i in range(256)]


def cut(items, window, ones, least, most, whole):
    """Runs of items. `whole`: the hash is looked at only at the end of an item."""
    runs, run, data, h = [], [], bytearray(), 0
    for item in items:
        run.append(item)
        found = False
        for at, byte in enumerate(item):
            data.append(byte)
            h = ((h << 1 | h >> 31) & 0xFFFFFFFF) ^ TABLE[byte]
            if len(data) > window:
                h ^= TABLE[data[-window - 1]]
            if len(data) >= least and h & ((1 << ones) - 1) == (1 << ones) - 1:
                found |= not whole or at == len(item) - 1
        if found or len(data) >= most:
            runs.append(run)
            run, data, h = [], bytearray(), 0
    return runs + [run] if run or not runs else runs


def array(count):
    return sized((0x90, 16), (None, 0xDC, 0xDD), count)


def directory(entries):
    """The root's ref, the leaves' chunks and the number of nodes on each level."""
    pairs = [(encode(name), encode(entries[name])) for name in sorted(entries, key=order)]
    keys = {key + value: key for key, value in pairs}
    nodes, leaves = [], []
    for run in cut([key + value for key, value in pairs], 64, 12, 1024, 16384, False):
        leaves.append(b"\x93" + encode("dir") + b"\x00" + array(2 * len(run)) + b"".join(run))
        nodes.append((digest(leaves[-1]), len(run), keys[run[-1]] if run else b""))
    levels = [len(nodes)]
    while len(nodes) > 1:
        rest, above = list(nodes), []
        for run in cut([ref for ref, _, _ in nodes], 160, 8, 320, 40960, True):
            children, rest = rest[: len(run)], rest[len(run) :]
            refs = b"".join(run)
            counts = [count for _, count, _ in children]
            chunk = b"\x95" + encode("dir") + encode(len(levels)) + sized(None, (0xC7, 0xC8, 0xC9), len(refs)) + b"\x01" + refs
            chunk += encode(counts) + array(len(children)) + b"".join(key for _, _, key in children)
            above.append((digest(chunk), sum(counts), children[-1][2]))
        nodes = above
        levels.append(len(nodes))
    return Ref(nodes[0][0]), leaves, levels


def blob(data):
    return {"type": "file", "content": Ref(digest(encode(data))), "size": len(data)}


HELLO = blob(b"hello, nomsy\n")
FULL = {"mode": 0o644, "uid": 1000, "gid": 100, "user": "ada", "group": "users", "mtime": 1700000000123456789}
HOLES = Ref(digest(encode(["list", 0, [4, 9]])))
INNER = {"b": {"type": "fifo"}}

NAMED = [
    ("empty", {}),
    ("the example of SPEC", {
        None: {"type": "dir", "with": ["mode", "symlinks"], "mode": 0o755},
        "hello": {**HELLO, "mode": 0o644},
        "to": {"type": "symlink", "target": "hello"},
    }),
    ("of a reproducible put", {
        "hello": HELLO,
        "run": {**blob(b"#!/bin/sh\n"), "executable": True},
        "sub": {"type": "dir", "content": directory(INNER)[0]},
        "to": {"type": "symlink", "target": "sub/b"},
    }),
    ("with all that can be recorded", {
        None: {"type": "dir", "with": ["acls", "capabilities", "holes", "links", "mode", "mtime", "names", "owner", "special", "symlinks", "xattrs"], **FULL, "mode": 0o755},
        "\x01": {**HELLO, **FULL, "link": "hello", "holes": HOLES},
        "hello": {**HELLO, **FULL, "xattrs": {"user.b": b"\x00", "user.a": b""}},
        "pipe": {"type": "fifo", "mtime": -1},
        "\uffff": {"type": "socket", "mtime": -(2**63)},
        "\U00010000": {"type": "char", "device": [1, 3], "mode": 0o7777},
        b"\xff": {"type": "symlink", "target": b"\xfe/x", "uid": 2**32 - 1},
        b"a\x80": {"type": "block", "device": [0, 2**32 - 1], "link": b"\xff/x"},
        "z" * 255: {"type": "dir", "content": directory({})[0], "mtime": 2**63 - 1},
    }),
]


def form(value):
    """As encoding.json has it."""
    if isinstance(value, Ref):
        return {"$ref": text(value)}
    if isinstance(value, bytes):
        return {"$bytes": value.hex()}
    if isinstance(value, dict):
        return {key: form(item) for key, item in value.items()}
    if isinstance(value, list):
        return [form(item) for item in value]
    return {"$int": str(value)} if isinstance(value, int) and value is not True and abs(value) >= 2**53 else value


def numbered(count):
    """Entry i: a file of 13 bytes named and timed by i."""
    return {f"file {i}": {**HELLO, "mode": 0o600 + i % 64, "mtime": 1700000000000000000 + i * 1000003} for i in range(count)}


directories = []
for name, entries in NAMED:
    ref, leaves, levels = directory(entries)
    assert levels == [1]
    listed = [[form(each), form(entries[each])] for each in sorted(entries, key=order)]
    directories.append({"name": name, "entries": listed, "hex": leaves[0].hex(), "ref": text(ref)})
grown = []
for count in (10, 100, 1000, 30000):
    ref, _, levels = directory(numbered(count))
    grown.append({"count": count, "ref": text(ref), "nodesPerLevel": levels})
print(json.dumps({"directories": directories, "numbered": grown}, indent=1))
