#!/usr/bin/env python3
"""What a power loss could have left, again and again: built from the log of crashlog.c and shown to
the store, which has to open it, hold everything that was confirmed, and go on.

Up to the moment of the crash everything happens in order. Of each file, what was there at its last
completed sync is kept; of what was written after that, each page (4 KiB) or sector (512 bytes) is
kept or lost by chance, or everything from some write on, or nothing. A file may have grown without
its data: then there are zeros. Renames, creations and removals are durable at once.

    replay.py LOG ROOT PROGRAM IMAGES SIZE [SEED]
"""

import os
import random
import shutil
import struct
import subprocess
import sys
import time
from dataclasses import dataclass, field

HEAD = struct.Struct('<c3xIIIQQQ')
UNITS = {'page': 4096, 'sector': 512, 'prefix': 4096}
EXAMPLES_MAX = 3


@dataclass
class Op:
    kind: str
    path: str
    to: str
    offset: int
    data: bytes


@dataclass
class File:
    """What the disk surely has, and what was written since."""

    durable: bytearray = field(default_factory=bytearray)
    pending: list = field(default_factory=list)


def read_log(path):
    with open(path, 'rb') as file:
        data = file.read()
    ops, at = [], 0
    while at + HEAD.size <= len(data):
        kind, path_len, to_len, _, offset, _, data_len = HEAD.unpack_from(data, at)
        at += HEAD.size
        path, at = data[at:at + path_len].decode(), at + path_len
        to, at = data[at:at + to_len].decode(), at + to_len
        ops.append(Op(kind.decode(), path, to, offset, data[at:at + data_len]))
        at += data_len
    return ops


def put(content, offset, data):
    end = offset + len(data)
    if len(content) < end:
        content.extend(bytes(end - len(content)))
    content[offset:end] = data


def resize(content, length):
    del content[length:]
    content.extend(bytes(length - len(content)))


def apply(content, op):
    if op.kind == 't':
        resize(content, op.offset)
    else:
        put(content, op.offset, op.data)


def is_ignored(path):
    """Confirmations, and what every opening makes anew."""
    return path.endswith(('/ACKS', '-shm', '.lock'))


def happen(files, op):
    """One op in the life of the files."""
    if op.kind == 'r':
        files[op.to] = files.pop(op.path)
    elif op.kind == 'u':
        files.pop(op.path, None)
    elif op.kind != 'd' and not (op.kind == 's' and op.path not in files):
        # A sync of something else is one of a directory.
        file = files.setdefault(op.path, File())
        if op.kind == 'c' and op.offset == 1:
            file.pending.append(Op('t', op.path, '', 0, b''))
        elif op.kind in 'wt':
            file.pending.append(op)
        elif op.kind == 'y':
            put(file.durable, op.offset, op.data)
        elif op.kind == 's':
            for pending in file.pending:
                apply(file.durable, pending)
            file.pending = []


def check_log(ops, root):
    """Replaying the log has to give the files as they are, byte for byte."""
    files = {}
    for op in ops:
        if not is_ignored(op.path):
            happen(files, op)
    count = 0
    for folder, _, names in os.walk(root):
        for path in (os.path.join(folder, name) for name in names):
            if is_ignored(path):
                continue
            with open(path, 'rb') as file:
                there = file.read()
            replayed = files.pop(path, File())
            for pending in replayed.pending:
                apply(replayed.durable, pending)
            if bytes(replayed.durable) != there:
                sys.exit(f'power-loss: the log does not say how {path} came about')
            count += 1
    if files:
        sys.exit(f'power-loss: the log has files that are not there: {sorted(files)}')
    print(f'the log of {len(ops)} changes gives {count} file(s) byte for byte')


class Chance:
    """What becomes of the pending writes of one crash."""

    def __init__(self, rnd, mode):
        self.rnd, self.mode = rnd, mode
        self.kept = rnd.choice([0.97, 0.8, 0.5])
        self.lost = 0

    def left_of(self, file):
        content = bytearray(file.durable)
        if self.mode == 'prefix':
            cut = self.rnd.randrange(len(file.pending) + 1)
            self.lost += len(file.pending) - cut
            for op in file.pending[:cut]:
                apply(content, op)
        elif self.rnd.random() < 0.15:
            for op in file.pending:
                apply(content, op)
        else:
            for op in file.pending:
                self.tear(content, op)
        return content

    def tear(self, content, op):
        if op.kind == 't':
            if self.rnd.random() < 0.7:
                resize(content, op.offset)
            else:
                self.lost += 1
            return
        unit, start = UNITS[self.mode], 0
        while start < len(op.data):
            end = min(len(op.data), ((op.offset + start) // unit + 1) * unit - op.offset)
            if self.rnd.random() < self.kept:
                put(content, op.offset + start, op.data[start:end])
            else:
                self.lost += 1
                # The file has grown, and its data has not arrived.
                if self.rnd.random() < 0.5 and len(content) < op.offset + end:
                    resize(content, op.offset + end)
            start = end


def images(ops, root, count, rnd):
    """Crashes in the order of their moments, so that the log is walked through once."""
    first = next(i for i, op in enumerate(ops) if op.path.endswith('/ACKS'))
    syncs = [i for i, op in enumerate(ops) if op.kind == 's' and first < i]
    # A third of them right before a sync, where most is at stake.
    moments = [rnd.choice(syncs) if rnd.random() < 0.33 else rnd.randrange(first, len(ops))
               for _ in range(count)]
    files, confirmed, at = {}, -1, 0
    for number, moment in enumerate(sorted(moments)):
        for op in ops[at:moment]:
            if op.path.endswith('/ACKS') and op.kind == 'w':
                confirmed = int(op.data.split()[-1])
            elif not is_ignored(op.path):
                happen(files, op)
        at = moment
        chance = Chance(rnd, ('page', 'sector', 'prefix')[number % 3])
        left = {path: chance.left_of(file) for path, file in files.items()}
        yield moment, confirmed, chance, {os.path.relpath(p, root): c for p, c in left.items()}


def main():
    log, root, program, count, size = sys.argv[1:6]
    seed = int(sys.argv[6]) if 6 < len(sys.argv) else 1
    ops, count = read_log(log), int(count)
    check_log(ops, root)
    memory = '/dev/shm' if os.path.isdir('/dev/shm') else '/tmp'
    image = f'{memory}/power-loss-{os.getpid()}'
    verify = subprocess.Popen([program, 'verify'], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              text=True)
    began, good, bad, torn, examples = time.monotonic(), 0, 0, 0, []
    for moment, confirmed, chance, left in images(ops, root, count, random.Random(seed)):
        shutil.rmtree(image, ignore_errors=True)
        os.makedirs(image)
        for name, content in left.items():
            with open(os.path.join(image, name), 'wb') as file:
                file.write(content)
        verify.stdin.write(f'{image} {confirmed} {size}\n')
        verify.stdin.flush()
        answer = verify.stdout.readline().strip()
        if answer.startswith('OK'):
            good += 1
        else:
            bad += 1
            where = f'change {moment}, batch {confirmed} confirmed, {chance.mode}'
            examples.append(f'{where}: {answer or "the program has ended"}')
            if verify.poll() is not None:
                break
        torn += chance.lost > 0
        if (good + bad) % 100 == 0:
            print(f'{good + bad} of {count} images, {bad} bad, {time.monotonic() - began:.0f} s',
                  flush=True)
    verify.stdin.close()
    shutil.rmtree(image, ignore_errors=True)
    for example in examples[:EXAMPLES_MAX]:
        print(f'  {example}')
    print(f'power-loss: {good} passed, {count - good} failed; {torn} images had lost something')
    sys.exit(0 if good == count else 1)


if __name__ == '__main__':
    main()
