"""The contract suite for stores: every backend passes the same tests.

class TestMyStore(StoreContract):
    @pytest.fixture
    async def store(self):             # a new, empty, open store
        ...
    @pytest.fixture
    def reopen(self):                  # async (store) -> store: closes it and opens the same records again
        ...
    @pytest.fixture
    def damage(self):                  # async (store, id) -> None: makes the stored head of an instance unreadable
        ...
"""

from __future__ import annotations

import pytest

from flowrt.stores.protocol import Store
from flowrt.testing.contract.commits import CommitContract
from flowrt.testing.contract.histories import HistoryContract
from flowrt.testing.contract.leases import LeaseContract
from flowrt.testing.contract.lists import ListContract
from flowrt.testing.contract.others import Damage, OtherContract, Reopen


@pytest.mark.asyncio
class StoreContract(CommitContract, HistoryContract, ListContract, LeaseContract, OtherContract):
    """What a store promises. Subclasses say how to open, reopen and damage theirs."""

    @pytest.fixture
    async def store(self) -> Store:
        """A new, empty, open store."""
        raise TypeError(f"{type(self).__name__} has no fixture `store`")

    @pytest.fixture
    def reopen(self) -> Reopen:
        """Closes a store and opens the same records again."""
        raise TypeError(f"{type(self).__name__} has no fixture `reopen`")

    @pytest.fixture
    def damage(self) -> Damage:
        """Makes the stored head of an instance unreadable."""
        raise TypeError(f"{type(self).__name__} has no fixture `damage`")


__all__ = ["Damage", "Reopen", "StoreContract"]
