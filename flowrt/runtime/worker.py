"""The worker: drives the instances of this process. Commits, then acts.

Each instance in memory is a `Running`: its state, the signals it has yet to take, the effects begun for it. One that
only waits leaves memory; its wake-up time and its subscriptions stay as index entries. Restore is load, then the same
reconcile: there is no second path.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from flowrt.core.definition import WorkflowDefinition
from flowrt.core.environment import Environment
from flowrt.core.instance import FAULTED, Fact, Instance
from flowrt.core.intervention import begin_at, retry
from flowrt.core.machine import Machine
from flowrt.core.signal import Signal, Tick
from flowrt.runtime.acting import Acting
from flowrt.runtime.checkpoint import take_checkpoint
from flowrt.runtime.children import child_signal
from flowrt.runtime.clock import now
from flowrt.runtime.commit import Committer
from flowrt.runtime.definitions import Definitions
from flowrt.runtime.ending import ended
from flowrt.runtime.forking import Place
from flowrt.runtime.index import SubscriptionIndex
from flowrt.runtime.loading import Loading
from flowrt.runtime.offering import Offering
from flowrt.runtime.perform import Perform
from flowrt.runtime.reconcile import Effects
from flowrt.runtime.results import Results
from flowrt.runtime.running import EffectKey, Running, changed
from flowrt.runtime.timers import Timers
from flowrt.runtime.turns import Turns
from flowrt.stores.protocol import StaleOwner, Store

log = logging.getLogger("flowrt.worker")


class Worker:
    """Drives instances: delivers signals, commits, reconciles effects, wakes and passivates."""

    def __init__(
        self,
        store: Store,
        definitions: Definitions,
        perform: Perform,
        environment: Environment,
        index: SubscriptionIndex,
        excluded: Callable[[WorkflowDefinition], bool],
    ) -> None:
        self.store, self.definitions, self.index = store, definitions, index
        self.machine = Machine(environment)
        self.environment = environment
        self._acting = Acting(self)
        self.committer = Committer(store, self._acting.checkpoint, self._acting.covered, self._unwritten, self.lose)
        self.timers = Timers(lambda id_: self.deliver(id_, Tick()))
        self.results = Results()
        self._effects = Effects(self, perform)
        self._turns = Turns(self)
        self.offering = Offering(self)
        self.aside: dict[str, str] = {}
        """Instances that cannot go on, and why."""
        self.fenced: str | None = None
        self.on_facts: Callable[[Instance, list[Fact]], None] | None = None
        self.wants_facts: Callable[[str], bool] = lambda id_: False
        """Whether anyone wants to be told what happens to an instance."""
        self.on_emitted: Callable[[dict[str, Any], str], None] = lambda event, id_: None
        """An event, and the id of the instance that emitted it."""
        self.indexed = asyncio.Event()
        """Is set once everything that listened before this process is in the index: only then may events be offered."""
        self.moved_early: set[str] = set()
        """Instances whose entries in the index are newer than what a restore reads."""
        self.begun = 0
        """How many instances have been started here."""
        self.on_ended: list[Callable[[Instance], None]] = []
        self.excluded = excluded
        self.live: dict[str, Running] = {}
        """What is in memory."""
        self._loading = Loading(self)
        self.stopping = False
        self._tasks: set[asyncio.Task[Any]] = set()

    # Life

    def start(self, token: int) -> None:
        """Begins to drive, as the owner that `token` says."""
        self.committer.token = token
        self.committer.start()

    async def stop(self) -> None:
        """Takes no more turns, interrupts effects, writes what is there; the rest is left to restore."""
        self.stopping = True
        self.timers.stop()
        for running in self.live.values():
            if running.waiting and not (running.busy or running.volatile):
                self.committer.add(running.instance, running.waiting)
                running.waiting = []
        await self._effects.close(list(self.live.values()))
        await ended(self._tasks)
        if self.fenced is None:
            await self.committer.stop()
        else:
            self.committer.abort()

    @property
    def active(self) -> int:
        """How many instances are in memory."""
        return len(self.live)

    @property
    def effects(self) -> int:
        """How many effects are in flight."""
        return sum(len(running.effects) for running in self.live.values())

    # Signals

    def begin(
        self, instance: Instance, parent: tuple[str, EffectKey] | None = None, at: Place | None = None
    ) -> asyncio.Future[None]:
        """Starts a new instance; the future is done when its first turn is durable: from then on it hears events."""
        instance.parent = parent
        self.begun += 1
        running = self.admit(instance)
        if at is not None:
            begin_at(self.machine, instance, at.task, at.before, now())
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        running.waiting.append(done)
        running.mailbox.append(Tick())
        self._turns.enqueue(running)
        return done

    def begin_all(self, instances: Sequence[Instance]) -> asyncio.Future[list[None]]:
        """Starts new instances; the future is done when they all are durable, in one commit."""
        begun = [self.begin(instance) for instance in instances]
        for instance in instances:
            running = self.live[instance.id]
            if not running.volatile:
                self.committer.add(instance, running.waiting)
                running.waiting = []
        self.committer.whole()
        return asyncio.gather(*begun)

    def deliver(self, id_: str, signal: Signal) -> None:
        """Hands a signal to an instance, which is loaded if need be."""
        running = self.live.get(id_)
        if running is not None:
            running.mailbox.append(signal)
            self._turns.enqueue(running)
        elif not self.stopping:
            self.spawn(self._deliver_loaded(id_, signal))

    async def _deliver_loaded(self, id_: str, signal: Signal) -> None:
        running = await self.running(id_)
        if running is not None:
            running.mailbox.append(signal)
            self._turns.enqueue(running)

    async def command(self, id_: str, signal: Signal) -> Instance | None:
        """Hands a signal to an instance and waits until what came of it is durable; None when there is none."""
        running = await self.running(id_)
        if running is None:
            return None
        await self.give(running, signal)
        await self.durable(running)
        return running.instance

    async def retry(self, id_: str) -> Instance | None:
        """Runs a faulted instance again from the task that failed; None when there is none."""
        running = await self.running(id_)
        if running is None:
            return None
        if running.instance.status == FAULTED:
            self.results.runs_again(id_)
            running = self.admit(running.instance)
            retry(self.machine, running.instance, now())
            self.moved(running)
            await self.durable(running)
        return running.instance

    async def give(self, running: Running, signal: Signal) -> None:
        """Hands a signal to an instance in memory and waits until it has taken its whole mailbox."""
        running.mailbox.append(signal)
        self._turns.advance_now(running)
        while (running.busy or running.mailbox) and not self.stopping:
            await asyncio.sleep(0.001)

    async def durable(self, running: Running) -> None:
        """Waits until everything it has done so far is durable."""
        if running.volatile:
            return
        if running.busy or running.waiting:
            done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            running.waiting.append(done)
            await done
        elif changed(running.instance) or self.committer.is_dirty(running.instance.id):
            await self.committer.flushed(running.instance)

    async def durable_now(self, id_: str) -> None:
        """Waits until what an instance in memory has done so far is durable."""
        running = self.live.get(id_)
        if running is not None:
            await self.durable(running)

    def peek(self, id_: str) -> Instance | None:
        """The instance if it is in memory; a thread may be moving it."""
        running = self.live.get(id_)
        return running.instance if running is not None else None

    def at_rest(self, id_: str) -> Instance | None:
        """The instance if it is in memory, and no thread is moving it."""
        running = self.live.get(id_)
        return running.instance if running is not None and not running.busy else None

    def in_memory(self) -> Iterable[Instance]:
        """Instances at rest that are in memory only, since their workflow is excluded."""
        return (running.instance for running in self.live.values() if running.volatile and not running.busy)

    # Commit, then act

    def moved(self, running: Running) -> None:
        """It has advanced: what it listens for, its deadline and its changes are taken note of."""
        instance = running.instance
        if not self.indexed.is_set():
            self.moved_early.add(instance.id)
        if instance.changes.listeners:
            subscriptions = self.machine.subscriptions(instance, now())
            self.index.put(instance.id, subscriptions)
            self.offering.listening(instance.id, subscriptions)
        self.timers.put(instance.id, instance.wake_at())
        if (instance.ready and not instance.suspended) or running.mailbox:
            self._turns.enqueue(running)
        waiting, running.waiting = running.waiting, []
        if running.volatile:
            checkpoint = take_checkpoint(instance, self.machine, now())
            self._acting.covered(instance, checkpoint)
            for future in waiting:
                _done(future)
        elif changed(instance) or waiting:
            self.committer.add(instance, waiting)
        elif not self.committer.is_dirty(instance.id):
            self.reconcile(running, {state.effect_key for state in instance.effects_wanted()})
            self._passivate(running)

    def reconcile(self, running: Running, durable: set[EffectKey]) -> None:
        """Begins and interrupts effects, so that those are in flight that it durably wants."""
        running.durable = durable
        self._effects.reconcile(running)

    def rest(self, running: Running) -> None:
        """What it has done is durable: its next turn, if there is one; else it leaves memory."""
        if running.mailbox or (running.instance.ready and not running.instance.suspended):
            self._turns.enqueue(running)
        else:
            self._passivate(running)

    def ended(self, running: Running) -> None:
        """Its end is durable: it leaves memory, and who waits for it hears."""
        instance = running.instance
        self.live.pop(instance.id, None)
        self.index.remove(instance.id)
        self.timers.put(instance.id, None)
        self.results.ended(instance)
        if instance.parent is not None:
            parent, key = instance.parent
            self.deliver(parent, child_signal(instance, key))
        for callback in self.on_ended:
            callback(instance)

    def release(self, running: Running) -> None:
        """Lets an instance leave memory that was only looked at."""
        if self.live.get(running.instance.id) is running:
            self._passivate(running)

    def _passivate(self, running: Running) -> None:
        instance = running.instance
        idle = not (running.effects or running.mailbox or running.queued or running.busy)
        if idle and not running.volatile and not self.committer.is_dirty(instance.id):
            if not instance.ready or instance.suspended:
                self.live.pop(instance.id, None)

    # Coming and going

    def admit(self, instance: Instance) -> Running:
        """Takes an instance into memory."""
        if instance.facts is None and self.wants_facts(instance.id):
            instance.facts = []
        running = Running(instance, volatile=self.excluded(instance.definition))
        running.children = self._effects.children.of(instance)
        self.live[instance.id] = running
        return running

    async def running(self, id_: str) -> Running | None:
        """The instance in memory, loaded if need be; None when it does not exist, or cannot be read."""
        return await self._loading.running(id_)

    def activate(self, id_: str) -> None:
        """Loads an instance that has something to do: effects to be begun again, tasks yet to begin."""
        self.deliver(id_, Tick())

    def lay_aside(self, id_: str, reason: str) -> None:
        """It cannot go on, and says why."""
        self.aside[id_] = reason
        log.error("instance %s is set aside: %s", id_, reason)

    def set_aside(self, running: Running, error: Exception) -> None:
        """It broke: it is not driven any more, the others are."""
        log.exception("instance %s broke", running.instance.id, exc_info=error)
        running.mailbox.clear()
        self.lay_aside(running.instance.id, f"{type(error).__name__}: {error}")
        for task in running.effects.values():
            task.cancel()
        for future in running.waiting:
            if not future.done():
                future.set_exception(error)
        self.live.pop(running.instance.id, None)
        self.index.remove(running.instance.id)
        self.timers.put(running.instance.id, None)

    def _unwritten(self, instance: Instance, error: Exception) -> None:
        self.set_aside(self.live.get(instance.id) or Running(instance), error)

    def lose(self, error: StaleOwner) -> None:
        """Another process owns the instances: nothing is driven here any more."""
        self.fenced = str(error)
        self.stopping = True
        log.critical("another process owns these instances; this one stops driving them: %s", error)
        for running in self.live.values():
            for task in running.effects.values():
                task.cancel()
        self.timers.stop()

    def spawn(self, coroutine: Any) -> asyncio.Task[Any]:
        """Runs a coroutine beside the turns; ends with the worker."""
        task = asyncio.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._finished)
        return task

    def _finished(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("a task of the worker failed", exc_info=task.exception())


def _done(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
