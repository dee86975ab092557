"""Processes of our own that answer questions: for what can end the process that does it, or would hold up a window.

One is started when its first question comes and kept, since most of the time goes into its start. A question is the
sizes of two parts, then the parts: what is asked (JSON), and data. An answer is a size, then that many bytes.
"""

from __future__ import annotations

import atexit
import json
import os
import struct
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import IO, Any

from core.system.subprocesses import own_command

QUESTION, ANSWER = struct.Struct("<QQ"), struct.Struct("<Q")
LOOK_SECONDS = 0.05


class HelperStoppedError(Exception):
    """The process has gone before it answered: by itself, for lack of time, or because nobody wants the answer."""


class HelperProcess:
    """A hidden command of ``python -m core`` that runs :func:`serve`; one question at a time, from any thread.

    Args:
        command: its name.
    """

    def __init__(self, command: str) -> None:
        self._command = command
        self._lock = threading.RLock()
        self._running: subprocess.Popen[bytes] | None = None
        atexit.register(self.stop)

    @property
    def running(self) -> bool:
        """Whether it has been started and has not ended."""
        return self._running is not None and self._running.poll() is None

    def ask(self, words: dict[str, Any], data: bytes, most: int, unwanted: Callable[[], bool]) -> bytes:
        """Return the answer to a question.

        Args:
            words: what is asked, fit for JSON.
            data: what goes with it.
            most: bytes that an answer can have.
            unwanted: asked all the time; the process is ended when it is true.

        Raises:
            HelperStoppedError: if no answer came, or one that can't be.
        """
        head = json.dumps(words).encode()
        while not self._lock.acquire(timeout=LOOK_SECONDS):
            if unwanted():
                raise HelperStoppedError
        try:
            return self._answer(QUESTION.pack(len(head), len(data)) + head + data, most, unwanted)
        finally:
            self._lock.release()

    def _answer(self, question: bytes, most: int, unwanted: Callable[[], bool]) -> bytes:
        process = self._started()
        answered, ended = threading.Event(), threading.Event()

        def guard() -> None:
            while not answered.wait(LOOK_SECONDS):
                if unwanted():
                    process.kill()
                    ended.set()
                    return

        guarding = threading.Thread(target=guard, daemon=True)
        guarding.start()
        try:
            return _ask(process, question, most)
        except (OSError, EOFError) as cause:
            ended.set()
            raise HelperStoppedError from cause
        finally:
            answered.set()
            guarding.join()
            if ended.is_set():
                self.stop()

    def stop(self) -> None:
        """End the process, if it runs; whoever waits for its answer gets none, and the next question starts another."""
        while not self._lock.acquire(timeout=LOOK_SECONDS):  # whoever asks holds it, and may only be starting one
            if (process := self._running) is not None:
                process.kill()
        try:
            if self._running is not None:
                self._running.kill()
                self._running.communicate()
                self._running = None
        finally:
            self._lock.release()

    def _started(self) -> subprocess.Popen[bytes]:
        process = self._running
        if process is None or process.poll() is not None:
            self.stop()
            process = self._running = subprocess.Popen(  # noqa: S603 - our own command
                own_command("core", self._command),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
        return process


def serve(answer: Callable[[dict[str, Any], bytes], bytes]) -> None:
    """Answer questions on standard input until it is closed; what libraries write goes nowhere.

    Args:
        answer: given what is asked and what goes with it, returns the answer.
    """
    questions, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(nowhere, stream)
    while head := questions.read(QUESTION.size):
        words, data = QUESTION.unpack(head)
        answered = answer(json.loads(questions.read(words)), questions.read(data))
        answers.write(ANSWER.pack(len(answered)) + answered)
        answers.flush()


def _ask(process: subprocess.Popen[bytes], question: bytes, most: int) -> bytes:
    """Return the answer.

    Raises:
        EOFError: if the process ends before it, or answers more than can be.
        OSError: if it no longer listens.
    """
    if process.stdin is None or process.stdout is None:
        raise EOFError
    process.stdin.write(question)
    process.stdin.flush()
    (size,) = ANSWER.unpack(_exactly(process.stdout, ANSWER.size))
    if size > most:
        raise EOFError
    return _exactly(process.stdout, size)


def _exactly(stream: IO[bytes], size: int) -> bytes:
    content = stream.read(size)
    if len(content) < size:
        raise EOFError
    return content
