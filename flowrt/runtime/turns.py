"""Turns: instances with signals to take advance one after the other, and none holds the event loop for long."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING

from flowrt.core.machine import Machine
from flowrt.core.signal import Arrived, Completed, Failed, Signal, Tick
from flowrt.runtime.clock import now
from flowrt.runtime.running import Running

if TYPE_CHECKING:
    from flowrt.runtime.worker import Worker

TURN_S = 0.005
"""How long a turn may hold the event loop."""


class Turns:
    """The queue of a worker's instances that have something to do."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self._queue: deque[Running] = deque()
        self._turn_due = False

    def enqueue(self, running: Running) -> None:
        """It has something to do: its turn comes."""
        if not running.queued and not running.busy:
            running.queued = True
            self._queue.append(running)
        if not self._turn_due and self._queue:
            self._turn_due = True
            asyncio.get_running_loop().call_soon(self._turn)

    def _turn(self) -> None:
        self._turn_due = False
        loop = asyncio.get_running_loop()
        end = loop.time() + TURN_S
        while self._queue and not self._worker.stopping:
            running = self._queue.popleft()
            running.queued = False
            self._advance(running)
            if loop.time() >= end:
                break
        if self._queue and not self._turn_due and not self._worker.stopping:
            self._turn_due = True
            loop.call_soon(self._turn)

    def advance_now(self, running: Running) -> None:
        """Takes the whole mailbox within this step of the event loop, if it can."""
        while running.mailbox and not self._worker.stopping and self._advance(running):
            pass

    def _advance(self, running: Running) -> bool:
        """Moves an instance by a signal; False when it cannot be moved now."""
        instance = running.instance
        bounded = instance.definition.bounded
        # A thread may not change what a commit is about to read: what came before is written first.
        if running.busy or (not bounded and self._worker.committer.is_dirty(instance.id)):
            return False
        signal = running.mailbox.popleft() if running.mailbox else Tick()
        if isinstance(signal, Completed | Failed):
            running.children.pop(signal.key, None)
            running.begun.discard(signal.key)
        if not bounded:
            running.busy = True
            self._worker.spawn(self._advance_aside(running, signal))
            return True
        try:
            heard = self._worker.machine.advance(instance, signal, now())
        except Exception as error:  # One instance that breaks the machine must not stop the others.
            self._worker.set_aside(running, error)
        else:
            self._moved(running, signal, heard)
        return True

    async def _advance_aside(self, running: Running, signal: Signal) -> None:
        """An instance whose expressions may run away advances in a thread: the event loop goes on."""
        machine = Machine(self._worker.environment)
        try:
            heard = await asyncio.to_thread(machine.advance, running.instance, signal, now())
        except Exception as error:  # One instance that breaks the machine must not stop the others.
            self._worker.set_aside(running, error)
            return
        finally:
            running.busy = False
        self._moved(running, signal, heard)

    def _moved(self, running: Running, signal: Signal, heard: bool) -> None:
        self._worker.moved(running)
        if heard and isinstance(signal, Arrived):
            # In the same step of the event loop: one commit takes both.
            self._worker.offering.heard(signal.event)
