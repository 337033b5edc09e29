"""Sessions: the subscriptions that instances have open, from one message to the next.

Invariants: a message is acknowledged only when the next one, or the end, is asked for: then the instance has it for
good. One that comes again after that (the connection was lost before its acknowledgement arrived) is passed over.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from flowrt.core.fault import Faulted

from .arguments import Progress
from .broker import Access, Broker, Channel, Incoming, Subscription
from .faults import is_lost, too_late
from .protocols import make_broker

log = logging.getLogger("flowrt.asyncapi")


@dataclass(frozen=True, slots=True)
class Patience:
    """How long sessions wait for what; seconds."""

    idle_s: float = 240.0
    """An instance that is busy with a message keeps its connection for so long."""
    linger_s: float = 5.0
    """After a receive that is no longer wanted: the end may be announced next."""
    reconnect_s: float = 60.0
    """How long a connection that was lost is tried again before that is a fault."""
    longest_delay_s: float = 5.0
    farewell_s: float = 2.0
    """At the end, for a message to come again that is yet to be acknowledged."""


@dataclass(slots=True)
class _Session:
    access: Access
    channel: Channel
    broker: Broker | None = None
    subscription: Subscription | None = None
    given: Incoming | None = None
    """The message that the instance was given last, not acknowledged yet."""
    number: int = -1
    """How many messages the instance had received when it was given."""
    coming: asyncio.Task[Incoming] | None = None
    timer: asyncio.TimerHandle | None = None
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class Sessions:
    """Belongs to one event loop. A session is named by the run of the task it belongs to."""

    def __init__(self, patience: Patience | None = None) -> None:
        self._patience = patience or Patience()
        self._sessions: dict[str, _Session] = {}
        self._closing: set[asyncio.Task[None]] = set()
        self._closed = False

    @property
    def open(self) -> int:
        """How many have a subscription."""
        return sum(session.subscription is not None for session in self._sessions.values())

    async def receive(self, name: str, access: Access, channel: Channel, progress: Progress) -> Incoming:
        """The next message. Raises `communication` when the server cannot be reached."""
        session = await self._session(name, access, channel)
        try:
            async with session.lock:
                if session.given is not None and session.number == progress.received:
                    return session.given  # asked for again
                message = await self._next(name, session, progress)
                session.given, session.number = message, progress.received
                return message
        except asyncio.CancelledError:
            self._rest(name, session, self._patience.linger_s, forget=True)
            raise
        except Faulted:
            await self._dispose(name, session, forget=False)
            raise
        finally:
            if self._sessions.get(name) is session and session.timer is None:
                self._rest(name, session, self._patience.idle_s, forget=False)

    async def end(self, name: str, access: Access, channel: Channel, progress: Progress) -> None:
        """Acknowledges the last message and leaves nothing behind on the server."""
        session = await self._session(name, access, channel)
        try:
            async with session.lock:
                fresh = session.subscription is None
                await self._open(name, session, progress)
                if fresh and progress.last is not None:
                    await self._settle_last(session, progress.last)
                else:
                    await self._acknowledge(session)
        finally:
            await self._dispose(name, session, forget=True)

    async def close(self) -> None:
        """Disconnects; what the servers keep is kept for the next process."""
        self._closed = True
        for name, session in list(self._sessions.items()):
            await self._dispose(name, session, forget=False)
        await asyncio.gather(*self._closing)

    # One session

    async def _session(self, name: str, access: Access, channel: Channel) -> _Session:
        """The session of that name, and from now on busy; one with another server or channel gives way."""
        session = self._sessions.get(name)
        if session is not None and (session.access.server != access.server or session.channel != channel):
            await self._dispose(name, session, forget=True)
            session = None
        if session is None:
            session = self._sessions[name] = _Session(access, channel)
        session.access = access  # credentials may be new, for the next connection
        if session.timer is not None:
            session.timer.cancel()
            session.timer = None
        return session

    async def _next(self, name: str, session: _Session, progress: Progress) -> Incoming:
        """The next message that the instance does not have yet, over as many connections as that takes."""
        again = progress.received > 0 or session.subscription is not None
        while True:
            await self._opened(name, session, progress, again)
            again = True
            try:
                await self._acknowledge(session)
                message = await self._incoming(session)
                if message.delivery is None or message.delivery != progress.last or not message.repeated:
                    return message
                session.given = message  # the instance has it; to be acknowledged now
            except Faulted as error:
                if not is_lost(error):
                    raise
                log.warning("%s; subscribing to %s again", error, session.channel.address)
                await self._disconnect(session, forget=False)

    async def _opened(self, name: str, session: _Session, progress: Progress, again: bool) -> None:
        """Opens it; where it was open before, for as long as a lost connection is worth waiting for."""
        loop, delay_s = asyncio.get_running_loop(), 0.1
        give_up_at = loop.time() + (self._patience.reconnect_s if again else 0.0)
        while True:
            try:
                return await self._open(name, session, progress)
            except Faulted as error:
                if not is_lost(error) or loop.time() + delay_s > give_up_at:
                    raise
                await asyncio.sleep(delay_s)
                delay_s = min(delay_s * 2, self._patience.longest_delay_s)

    async def _open(self, name: str, session: _Session, progress: Progress) -> None:
        if session.subscription is not None:
            return
        broker, limit_s = make_broker(session.access), session.access.connect_s
        try:
            async with asyncio.timeout(limit_s) as limit:
                session.subscription = await broker.subscribe(session.channel, name, progress.last)
        except BaseException as error:
            await broker.close()
            if isinstance(error, TimeoutError) and limit.expired():
                raise too_late(session.access.server, f"no subscription within {limit_s:g} s") from error
            raise
        session.broker = broker

    async def _acknowledge(self, session: _Session) -> None:
        if session.given is not None and session.subscription is not None:
            await session.subscription.acknowledge(session.given)
            session.given = None

    async def _incoming(self, session: _Session) -> Incoming:
        """A task of its own fetches it: a message must not be lost with the receive that waited for it."""
        assert session.subscription is not None
        if session.coming is None:
            session.coming = asyncio.create_task(_received(session.subscription))
        coming = session.coming
        await asyncio.wait([coming])
        session.coming = None
        return coming.result()

    async def _settle_last(self, session: _Session, last: str) -> None:
        """The last message was given to this instance over another connection: it may have to be acknowledged here."""
        try:
            async with asyncio.timeout(self._patience.farewell_s):
                message = await self._incoming(session)
        except TimeoutError:
            return
        if message.delivery == last and session.subscription is not None:
            await session.subscription.acknowledge(message)

    # Ends

    def _rest(self, name: str, session: _Session, after_s: float, forget: bool) -> None:
        if self._closed or self._sessions.get(name) is not session:
            return
        if session.timer is not None:
            session.timer.cancel()
        session.timer = asyncio.get_running_loop().call_later(after_s, self._expire, name, session, forget)

    def _expire(self, name: str, session: _Session, forget: bool) -> None:
        if session.lock.locked():
            return  # somebody waits for a message again, and will see to it afterwards
        task = asyncio.ensure_future(self._dispose(name, session, forget))
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    async def _dispose(self, name: str, session: _Session, forget: bool) -> None:
        if self._sessions.get(name) is session:
            del self._sessions[name]
        if session.timer is not None:
            session.timer.cancel()
            session.timer = None
        await self._disconnect(session, forget)

    async def _disconnect(self, session: _Session, forget: bool) -> None:
        """Never fails: a server that is gone has nothing more to be told."""
        broker, subscription, coming = session.broker, session.subscription, session.coming
        session.broker = session.subscription = session.coming = session.given = None
        if coming is not None:
            coming.cancel()
            await asyncio.wait([coming])
            if not coming.cancelled():
                coming.exception()  # looked at, for nobody else will
        if subscription is not None:
            await _quietly(lambda: subscription.close(forget))
        if broker is not None:
            await _quietly(broker.close)


async def _received(subscription: Subscription) -> Incoming:
    return await subscription.receive()


async def _quietly(close: Callable[[], Awaitable[None]]) -> None:
    try:
        await close()
    except Faulted as error:
        log.info("while a subscription was closed: %s", error)
