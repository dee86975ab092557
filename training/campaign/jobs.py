"""Run commands side by side, each when what it needs is there, and stop them in time to be resumed later."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from training.loop.events import StopRequest, stopped_by_signals

POLL_SECONDS = 0.2
GRACE_SECONDS = 60.0  # for a checkpoint, after which a job is killed


@dataclass(frozen=True)
class Job:
    """A command to be run once.

    Attributes:
        name: its name.
        command: returns the command line, asked for when its turn has come.
        done: whether there is nothing left to do.
        needs: names of the jobs that must be done before.
    """

    name: str
    command: Callable[[], list[str]]
    done: Callable[[], bool]
    needs: tuple[str, ...] = ()


@dataclass
class Outcome:
    """How it went.

    Attributes:
        finished: number of jobs that are done.
        failed: names of the jobs that failed.
        left: number of jobs that are neither.
    """

    finished: int = 0
    failed: list[str] = field(default_factory=list)
    left: int = 0


def run_jobs(
    jobs: list[Job],
    side_by_side: int,
    logs: Path,
    environment: dict[str, str],
    seconds: float | None = None,
    say: Callable[[str], None] = lambda _line: None,
) -> Outcome:
    """Run jobs in their order, as far as what they need is done; a job that fails does not stop the others.

    Args:
        jobs: the jobs, the most urgent first. A need that is not among them counts as done.
        side_by_side: how many run at once.
        logs: folder for a log a job, appended to.
        environment: environment of the commands.
        seconds: after so many, or at SIGINT or SIGTERM, running jobs get SIGTERM and time to write a checkpoint.
        say: called with a line on each change.
    """
    logs.mkdir(parents=True, exist_ok=True)
    stop = StopRequest(minutes=None if seconds is None else seconds / 60)
    done = {job.name for job in jobs if job.done()}
    waiting = [job for job in jobs if job.name not in done]
    names = {job.name for job in waiting}
    running: dict[str, tuple[Job, subprocess.Popen[bytes], IO[bytes]]] = {}
    outcome = Outcome()
    with stopped_by_signals(stop):
        while (waiting or running) and not stop.reason():
            ready = [job for job in waiting if not any(need in names and need not in done for need in job.needs)]
            for job in ready[: side_by_side - len(running)]:
                waiting.remove(job)
                running[job.name] = _start(job, logs, environment)
                say(f"begun:  {job.name}")
            if not running:
                break
            time.sleep(POLL_SECONDS)
            for job in _ended(running):
                if job.done():
                    done.add(job.name)
                    say(f"done:   {job.name}")
                else:
                    outcome.failed.append(job.name)
                    say(f"failed: {job.name} (see its log)")
        for job in _stop(running):
            if job.done():
                done.add(job.name)
    outcome.finished = len(done)
    outcome.left = len(jobs) - len(done) - len(outcome.failed)
    return outcome


def _start(job: Job, logs: Path, environment: dict[str, str]) -> tuple[Job, subprocess.Popen[bytes], IO[bytes]]:
    log = (logs / f"{job.name.replace('/', '_').replace(':', '_')}.log").open("ab")
    # a session of its own: Ctrl+C reaches this process only, which then stops its jobs
    process = subprocess.Popen(  # noqa: S603 - our own commands
        job.command(), stdout=log, stderr=subprocess.STDOUT, env=environment, start_new_session=True
    )
    return job, process, log


def _ended(running: dict[str, tuple[Job, subprocess.Popen[bytes], IO[bytes]]]) -> list[Job]:
    ended = [name for name, (_, process, _) in running.items() if process.poll() is not None]
    jobs = []
    for name in ended:
        job, _, log = running.pop(name)
        log.close()
        jobs.append(job)
    return jobs


def _stop(running: dict[str, tuple[Job, subprocess.Popen[bytes], IO[bytes]]]) -> list[Job]:
    for _, process, _ in running.values():
        process.send_signal(signal.SIGTERM)
    end = time.monotonic() + GRACE_SECONDS
    for _, process, _ in running.values():
        try:
            process.wait(max(0.0, end - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    return _ended(running)
