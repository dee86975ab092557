"""Fuzz image reading: ``python -m tests.fuzz_images --seconds 300 --seed 1``; not part of the suite.

Every mutated file is opened in a child process of bounded memory and time, so that a crash of a C library is seen. A
finding is anything but an opened image or an ImageError that names the file: another exception, a crash, a hang or
memory out of proportion. Files over which a C library writes to standard error are counted as noisy. The same seed and
number make the same file again; ``--keep`` saves findings.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import random
import resource
import struct
import sys
import tempfile
import time
import zlib
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parent
sys.path.insert(0, str(ROOT))  # as pytest does

from hostile_samples import bombs, healthy  # noqa: E402

FILE_SECONDS = 60
CHILD_BYTES = 6 << 30  # address space of the child
GROWTH_MIB = 1500  # a file of a few kilobytes may not need more than this
NUMBERS = (0, 1, 2, 3, 4, 7, 8, 0x7F, 0x80, 0xFF, 0x100, 0x7FFF, 0x8000, 0xFFFE, 0xFFFF, 0x10000, 0x7FFFFFFF,
           0x80000000, 0xFFFFFFFE, 0xFFFFFFFF)  # fmt: skip


def mutated(whole, others, rng):
    """A hostile version of a file: one to four mutations, most of them near its beginning."""
    content = bytearray(whole)
    for _ in range(rng.choice((1, 1, 1, 2, 2, 3, 4))):
        reach = min(len(content), rng.choice((64, 300, 1200, len(content))))
        at = rng.randrange(max(1, reach))
        match rng.randrange(10):
            case 0:
                content = content[: rng.randrange(len(content) + 1)] if rng.random() < 0.3 else content
            case 1 | 2 if content:
                for _ in range(rng.choice((1, 1, 2, 8))):
                    content[rng.randrange(max(1, reach)) % len(content)] ^= 1 << rng.randrange(8)
            case 3 | 4 | 5:  # an attack on a length, a size or an offset
                number, kind = rng.choice(NUMBERS), rng.choice(("<H", ">H", "<I", ">I", "<I", ">I", "<Q", ">Q"))
                packed = struct.pack(kind, number & (1 << 8 * struct.calcsize(kind)) - 1)
                content[at : at + len(packed)] = packed
            case 6:
                del content[at : at + rng.choice((1, 2, 4, 16, 200))]
            case 7:
                piece = content[at : at + rng.choice((2, 8, 64, 500))]
                content[at:at] = piece * rng.choice((1, 2, 50))
            case 8:  # the header of one kind of file on the body of another
                other = rng.choice(others)
                cut = rng.choice((8, 64, 132, 300, 600))
                content = bytearray(other[:cut]) + content[cut:]
            case _:
                content[at : at + rng.choice((4, 40, 400))] = bytes([rng.choice((0, 255))]) * rng.choice((4, 40, 400))
    if content.startswith(b"\x89PNG") and rng.random() < 0.7:
        content = with_checksums(content)
    return bytes(content)


def with_checksums(content):
    """A PNG with the checksums of its chunks made right again, so that decoders go on to what was changed."""
    at = 8
    while at + 12 <= len(content):
        size = int.from_bytes(content[at : at + 4], "big")
        if at + 12 + size > len(content):
            break
        content[at + 8 + size : at + 12 + size] = struct.pack(">I", zlib.crc32(content[at + 4 : at + 8 + size]))
        at += 12 + size
    return content


def reader(pipe, noise):
    """The child: open one file after another and say what became of it."""
    from core.errors import ImageError
    from core.images.reader import read_image

    os.dup2(os.open(noise, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), 1)
    os.dup2(1, 2)
    resource.setrlimit(resource.RLIMIT_AS, (CHILD_BYTES, CHILD_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    while True:
        path = pipe.recv()
        try:
            found = read_image(path)
            if found.pixels.size == 0 or found.pixels.ndim not in (2, 3):
                outcome = f"finding: pixels of the shape {found.pixels.shape}"
            elif found.pixels.size < 4_000_000:
                shown = found.square_pixels(found.displayed())
                outcome = "opened" if shown.min() >= 0 and shown.max() <= 1 else "finding: brightness out of range"
                _ = found.is_grey
            else:
                outcome = "opened"
        except ImageError as error:
            named = str(path) in str(error)
            cause = type(error.__cause__).__name__ if error.__cause__ else ""
            outcome = f"refused {cause}".strip() if named else f"finding: a message without the path: {error}"
        except BaseException as error:  # noqa: BLE001 - this is what is looked for
            outcome = f"finding: {type(error).__name__}: {error}"
        pipe.send((outcome, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024))


class Child:
    """A reading process, started anew after it has died or grown."""

    def __init__(self, folder):
        self.noise = folder / "noise.txt"
        self.context = multiprocessing.get_context("spawn")
        self.start()

    def start(self):
        self.pipe, theirs = self.context.Pipe()
        self.process = self.context.Process(target=reader, args=(theirs, str(self.noise)), daemon=True)
        self.process.start()
        theirs.close()
        self.peak = None
        self.heard = self.noise.stat().st_size if self.noise.exists() else 0

    def stop(self):
        self.process.kill()
        self.process.join()

    def open(self, path):
        """What became of one file; a finding begins with that word."""
        self.pipe.send(path)
        limit = FILE_SECONDS + (60 if self.peak is None else 0)  # the first answer waits for the imports
        try:
            if not self.pipe.poll(limit):
                self.stop()
                self.start()
                return f"finding: no answer in {limit} s"
            outcome, peak = self.pipe.recv()
        except EOFError:
            self.process.join()
            code = self.process.exitcode
            self.start()
            return f"finding: the process died (exit code {code})"
        grown, self.peak = peak - (self.peak or peak), peak
        if grown > GROWTH_MIB:
            self.stop()
            self.start()
            return f"finding: {grown:.0f} MiB for one file"
        if not outcome.startswith("finding") and (said := self.noise.stat().st_size) > self.heard:
            self.heard = said
            return f"{outcome} noisily"
        return outcome


def main():
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz_images", description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--bytes", type=int, default=1_000_000, help="stop when so much of each kind was tried")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kinds", default="", help="only kinds whose name has this in it")
    parser.add_argument("--keep", type=Path, help="folder for the files of findings")
    options = parser.parse_args()
    corpus = {kind: content for kind, content in healthy().items() if options.kinds.lower() in kind.lower()}
    others = list(corpus.values())
    tried, volume, outcomes, findings = Counter(), Counter(), Counter(), []
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "hostile file"
        child = Child(Path(name))

        def attempt(kind, content, label):
            path.write_bytes(content)
            outcome = child.open(path)
            tried[kind] += 1
            volume[kind] += len(content)
            outcomes[kind, outcome.split()[0].rstrip(":")] += 1
            outcomes[kind, "noisy"] += outcome.endswith("noisily")
            if outcome.startswith("finding"):
                findings.append(f"{label}: {outcome}")
                print(findings[-1], flush=True)
                if options.keep:
                    options.keep.mkdir(parents=True, exist_ok=True)
                    (options.keep / label.replace(" ", "_").replace("/", "-")).write_bytes(content)

        for kind, content in healthy().items():
            path.write_bytes(content)
            if (outcome := child.open(path)) != "opened":
                sys.exit(f"The healthy {kind} does not open: {outcome}")
        for label, content in bombs().items():
            attempt("made by hand", content, label)
        ends, number = time.monotonic() + options.seconds, 0
        while time.monotonic() < ends and any(volume[kind] < options.bytes for kind in corpus):
            for kind, whole in corpus.items():
                if volume[kind] < options.bytes and time.monotonic() < ends:
                    rng = random.Random(f"{options.seed} {kind} {number}")
                    attempt(kind, mutated(whole, others, rng), f"{kind} seed {options.seed} number {number}")
            number += 1
        child.stop()
    print(f"{'kind':32}{'files':>8}{'bytes':>10}{'opened':>8}{'refused':>9}{'noisy':>7}{'findings':>10}")
    for kind in tried:
        counts = [outcomes[kind, what] for what in ("opened", "refused", "noisy", "finding")]
        print(f"{kind:32}{tried[kind]:8}{volume[kind]:10}{counts[0]:8}{counts[1]:9}{counts[2]:7}{counts[3]:10}")
    print(json.dumps({"files": sum(tried.values()), "bytes": sum(volume.values()), "findings": len(findings)}))
    sys.exit(1 if findings else 0)


if __name__ == "__main__":
    main()
